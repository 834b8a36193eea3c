"""Make a crop store: finish, resume or begin it; a crash costs unfinished chunks only."""

import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL
import torch

from datamodules.annotations.face_table import FaceTable
from datamodules.contract import Attributes
from datamodules.cropping.crop_chunk import count_kinds
from datamodules.cropping.crop_key import gather_facts
from datamodules.cropping.crop_manifest import build_manifest, check_attributes, left_out, read_records
from datamodules.cropping.crop_progress import track_faces
from datamodules.cropping.crop_report import QUARANTINE, Prepared
from datamodules.cropping.crop_store import MANIFEST, STORE, CropStore
from datamodules.cropping.crop_task import PARTS, CropTask
from datamodules.cropping.crop_worker import crop_here, crop_in_processes
from datamodules.errors import DatasetError
from datamodules.jobs.job_facts import compare, describe
from datamodules.jobs.job_folder import JobFolder
from storage.atomic import PARTIAL, write_bytes
from storage.spreadsheet import csv_text

_GO_ON = "run the same command again to go on where it stopped"


@dataclass(frozen=True)
class CropJob:
    """Makes the crop store of a table.

    Attributes:
        table: the annotations.
        attributes: class names of each of its labels.
        task: what the processes do.
        detector: parameters of the detector, for the key.
        processes: number of processes; 1 works in this process.
    """

    table: FaceTable
    attributes: Attributes
    task: CropTask
    detector: dict[str, Any]
    processes: int = 1

    @property
    def facts(self) -> dict[str, Any]:
        """Everything that the crops depend on; see `gather_facts`."""
        return gather_facts(self.table, self.attributes, self.task.options, self.detector)

    @property
    def place(self) -> JobFolder:
        """The job folder, which holds the chunks until the store is finished."""
        return JobFolder(self.task.out / PARTS, self.task.out)

    def run(self) -> Prepared:
        """Make the store, or its missing chunks; with a shard, only the chunks of the shard.

        Raises:
            DatasetError: the folder holds something else or other crops, is in use or damaged, or cannot be
                written.
        """
        check_attributes(self.attributes)
        out, before, finished = self.task.out, len(self.table), True
        with _dataset_errors(out):
            out.mkdir(parents=True, exist_ok=True)
            if not self._finished():  # checked before anything is written, and again under the lock
                with self.place.entered(self.task.shard, self.facts):
                    if not self._finished():
                        before = self._begin_and_crop()
                        if self.task.shard is not None:
                            return self._shard(before)
                        self._finish()
                        finished = False
            shutil.rmtree(out / PARTS, ignore_errors=True)
        manifest = CropStore.open(out).manifest
        return Prepared(out, count_kinds(manifest), left_out(manifest), before, finished)

    def _finished(self) -> bool:
        """Return whether the store is finished; refuse a folder of anything else."""
        out = self.task.out
        for path in (out / STORE, self.place.facts):
            if path.exists():
                compare(path, self.facts, out)
                return path.name == STORE
        if set(os.listdir(out)) - {PARTS}:
            raise DatasetError(f"{out}: holds other files; give a new or an empty folder with --out")
        return False

    def _begin_and_crop(self) -> int:
        """Process the chunks without a record; return the number of images that were done before."""
        task = self.task
        todo = task.undone(task.mine)
        images, every = (sum(len(task.rows(k)) for k in chunks) for chunks in (todo, task.mine))
        before = every - images
        if before:
            print(f"{task.out}: {before:,} of {every:,} images were done before, going on")
        if task.options.format == "memmap":
            _check_space(task.out, images * task.options.side**2 * 3)
        if task.shard is None:
            self._gather(todo)
        if todo:
            processes = min(self.processes, len(todo))
            pieces = crop_here(task, todo) if processes == 1 else crop_in_processes(task, todo, processes)
            with closing(pieces):
                track_faces(pieces, images)
        return before

    def _gather(self, todo: list[int]) -> None:
        """Combine the results of the shards."""
        task, done = self.task, sorted(set(self.task.mine) - set(todo))
        if unfinished := self.place.unfinished(todo):
            print(f"{task.out}: {unfinished}")
        pieces = [k for k in done if task.piece(k).exists()]
        task.writer.create(resumed=len(pieces) < len(done))
        for k in pieces:
            crops = task.read_piece(k)
            task.writer.write(task.rows(k).start, crops, np.ones(len(crops), dtype=bool))
            task.piece(k).unlink()

    def _shard(self, before: int) -> Prepared:
        """Report the result of the shard."""
        task = self.task
        assert task.shard is not None
        rows = [row for k in task.mine for row in task.rows(k)]
        record = read_records([task.record(k) for k in task.mine], len(rows))
        record = record.assign(sample_id=task.samples[rows])
        after = self.place.after(task.shard, task.undone(range(task.chunks)))
        return Prepared(task.out, count_kinds(record), left_out(record), before, finished=False, after=after)

    def _finish(self) -> None:
        task = self.task
        record = read_records([task.record(k) for k in range(task.chunks)], len(self.table))
        manifest = build_manifest(self.table, self.attributes, record)
        write_bytes(task.out / MANIFEST, manifest.to_parquet(index=False))
        write_bytes(task.out / QUARANTINE, csv_text(left_out(manifest)).encode(errors="backslashreplace"))
        task.writer.finish()
        for partial in task.out.glob(f"*{PARTIAL}"):  # of a run that was killed
            partial.unlink()
        store = {
            "size": task.options.side,
            "format": task.options.format,
            "images": len(manifest),
            "status": dict(sorted(count_kinds(manifest).items())),
            "folder": str(self.table.folder),
            "attributes": list(self.table.labels),
            "versions": {x.__name__: x.__version__ for x in (torch, np, PIL, cv2)},
        }
        write_bytes(task.out / STORE, describe(self.facts, **store))  # last: it marks the end


@contextmanager
def _dataset_errors(out: Path) -> Iterator[None]:
    """Turn errors that the user can correct into a `DatasetError`."""
    try:
        yield
    except OSError as error:
        reason = f"{error.filename or out}: {error.strerror or error}"
        raise DatasetError(f"{reason}; see to that, then {_GO_ON}") from error
    except torch.cuda.OutOfMemoryError:
        raise DatasetError(f"out of GPU memory; {_GO_ON}, with a smaller --batch_size") from None


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DatasetError(
            f"{folder}: {needed / 1e9:.1f} GB are needed and {free / 1e9:.1f} GB are free; make room and run "
            "the same command again, or use --format jpeg"
        )
