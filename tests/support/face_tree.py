"""Small photographs with a red face each, some without, some unreadable, and their table."""

import hashlib
import os
import shutil
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from datamodules.annotations.face_table import FaceTable
from datamodules.cropping.crop_job import CropJob
from datamodules.cropping.crop_report import Prepared
from datamodules.cropping.crop_task import PARTS, CropTask
from datamodules.cropping.face_crop import CropOptions
from datamodules.file_faces import FileFaces
from datamodules.jobs.job_facts import describe
from datamodules.jobs.job_folder import UNFINISHED
from datamodules.jobs.job_shard import Shard
from tests.support.fake_detector import RedDetector


def write_faces(root: Path, count: int, side: int = 40) -> None:
    """Image i is in the folder p(i % 7); those with i % 10 = 3 show no face, those with 7 are cut short."""
    rng = np.random.default_rng(5)
    for i in range(count):
        path = root / f"p{i % 7}/{i:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        height = side + 10 * (i % 3)  # batches of several sizes
        image = rng.integers(0, 60, (height, side, 3), dtype=np.uint8)
        if i % 10 != 3:
            image[8:30, 10:28, 0] = rng.integers(180, 256, (22, 18))
        Image.fromarray(image).save(path)
        if i % 10 == 7:
            path.write_bytes(path.read_bytes()[:900])


class FolderFaces(FileFaces):
    """Every image below `root`: its folder is the identity, one in four is in no split."""

    @property
    def attributes(self):
        people = sorted(path.name for path in self.root.iterdir())
        return {"identity": people, "smiling": ("no", "yes")}

    def read_table(self) -> FaceTable:
        files = sorted(str(path.relative_to(self.root)) for path in self.root.glob("*/*"))
        people = list(self.attributes["identity"])
        row = np.arange(len(files))
        return FaceTable(
            folder=self.root,
            file=np.array(files, dtype=np.str_),
            split=np.where(row % 4 == 3, -1, row % 4).astype(np.int8),
            labels={
                "identity": np.array([people.index(file.split("/")[0]) for file in files]),
                "smiling": row % 3 - 1,
            },
            digest=hashlib.sha256(b"annotations").hexdigest(),
        )


def make_job(
    root, out, *, processes=1, delay=0.0, chunk=4, make_detector=None, shard=None, **options
) -> CropJob:
    """A job over `root` with crops of 24 pixels unless `options` say otherwise."""
    shard_of_work = Shard.parse(shard) if shard else None
    data = FolderFaces(str(root))
    make_detector = make_detector or partial(RedDetector, delay)
    options = CropOptions(**{"size": 24, **options})
    photos = (data.table.folder, data.table.file)
    task = CropTask(Path(out), *photos, options, make_detector, chunk=chunk, shard=shard_of_work)
    return CropJob(data.table, data.attributes, task, RedDetector().parameters, processes)


def begin(root, out, **options) -> CropJob:
    """A store in the state that a job leaves when it is killed before its first chunk."""
    job = make_job(root, out, **options)
    (job.task.out / PARTS).mkdir(parents=True)
    (job.task.out / PARTS / UNFINISHED).write_bytes(describe(job.facts))
    return job


def run_job(root, out, **options) -> Prepared:
    return make_job(root, out, **options).run()


def run_marked(started: Path, root, out, **options) -> None:
    started.touch()
    run_job(root, out, **options)


def crash_at(step: int, after: bool, root, out, **options) -> None:
    """Run a job in a process that ends without a word at its n-th step that touches the disk."""
    left = step

    def crashing(function):
        def wrapped(*args, **kwargs):
            nonlocal left
            left -= 1
            if left < 0 and not after:
                os._exit(7)
            result = function(*args, **kwargs)
            if left < 0:
                os._exit(7)
            return result

        return wrapped

    os.replace, os.fsync, shutil.rmtree = crashing(os.replace), crashing(os.fsync), crashing(shutil.rmtree)
    run_job(root, out, **options)


def content(folder: Path) -> dict[str, str]:
    """The digest of every file below a folder."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
