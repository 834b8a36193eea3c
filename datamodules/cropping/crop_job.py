"""A crop store is made: found finished, gone on with, or begun; a crash costs unfinished chunks only."""

import csv
import fcntl
import io
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

from datamodules.base import Attributes
from datamodules.cropping.crop_chunk import count_kinds
from datamodules.cropping.crop_key import compare, describe, gather_facts
from datamodules.cropping.crop_manifest import build_manifest, check_attributes, left_out, read_records
from datamodules.cropping.crop_progress import track_faces
from datamodules.cropping.crop_report import QUARANTINE, Prepared
from datamodules.cropping.crop_store import MANIFEST, STORE, CropStore
from datamodules.cropping.crop_worker import PARTS, CropTask, crop_here, crop_in_processes
from datamodules.cropping.crop_writer import PARTIAL, make_writer, write_atomic
from datamodules.errors import DatasetError
from datamodules.face_table import FaceTable

UNFINISHED, LOCK = "job.json", "lock"

_GO_ON = "run the same command again to go on where it stopped"


@dataclass(frozen=True)
class CropJob:
    """Makes a store of the crops of a table.

    Attributes:
        table: the annotations.
        attributes: class names of each of its labels.
        task: what the processes do.
        detector: parameters of the detector, for the key.
        processes: 1 works in this process.
    """

    table: FaceTable
    attributes: Attributes
    task: CropTask
    detector: dict[str, Any]
    processes: int = 1

    @property
    def facts(self) -> dict[str, Any]:
        """See `gather_facts`."""
        return gather_facts(self.table, self.attributes, self.task.options, self.detector)

    def run(self) -> Prepared:
        """Make the store, or what is missing of it.

        Raises:
            DatasetError: if the folder holds something else or other crops, is in use or damaged, or cannot
                be written.
        """
        check_attributes(self.attributes)
        out, before = self.task.out, len(self.table)
        try:
            out.mkdir(parents=True, exist_ok=True)
            if not self._finished():  # looked at before anything is written, and again when alone
                (out / PARTS).mkdir(exist_ok=True)
                with _alone(out / PARTS / LOCK, out):
                    if not self._finished():
                        before = self._begin_and_crop()
                        self._finish()
            shutil.rmtree(out / PARTS, ignore_errors=True)
        except OSError as error:
            reason = f"{error.filename or out}: {error.strerror or error}"
            raise DatasetError(f"{reason}; see to that, then {_GO_ON}") from error
        except torch.cuda.OutOfMemoryError:
            raise DatasetError(f"out of GPU memory; {_GO_ON}, with a smaller --batch_size") from None
        manifest = CropStore.open(out).manifest
        return Prepared(out, count_kinds(manifest), left_out(manifest), before)

    def _finished(self) -> bool:
        """Whether the store is finished; refuses a folder of anything else."""
        out = self.task.out
        for path in (out / STORE, out / PARTS / UNFINISHED):
            if path.exists():
                compare(path, self.facts, out)
                return path.name == STORE
        if set(os.listdir(out)) - {PARTS}:
            raise DatasetError(f"{out}: holds other files; give a new or an empty folder with --out")
        return False

    def _begin_and_crop(self) -> int:
        """Do the chunks without a record; the number of images that were done before."""
        task = self.task
        write_atomic(task.out / PARTS / UNFINISHED, describe(self.facts))
        todo = [k for k in range(task.chunks) if not task.record(k).exists()]
        images = sum(len(task.rows(k)) for k in todo)
        before = len(self.table) - images
        if before:
            print(f"{task.out}: {before:,} of {len(self.table):,} images were done before, going on")
        if task.options.format == "memmap":
            _check_space(task.out, images * task.options.side**2 * 3)
        make_writer(task.out, task.samples, task.options).create(resumed=before > 0)
        if todo:
            processes = min(self.processes, len(todo))
            pieces = crop_here(task, todo) if processes == 1 else crop_in_processes(task, todo, processes)
            with closing(pieces):
                track_faces(pieces, images)
        return before

    def _finish(self) -> None:
        task = self.task
        record = read_records([task.record(k) for k in range(task.chunks)], len(self.table))
        manifest = build_manifest(self.table, self.attributes, record)
        write_atomic(task.out / MANIFEST, manifest.to_parquet(index=False))
        text = io.StringIO()
        csv.writer(text).writerows([("sample_id", "reason"), *left_out(manifest).itertuples(index=False)])
        write_atomic(task.out / QUARANTINE, text.getvalue().encode())
        make_writer(task.out, task.samples, task.options).finish()
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
        write_atomic(task.out / STORE, describe(self.facts, **store))  # the last: now it is finished


@contextmanager
def _alone(lock: Path, folder: Path) -> Iterator[None]:
    """Hold a lock, which ends with the process; raises `DatasetError` if another process holds it."""
    with open(lock, "wb") as file:  # for writing, or network file systems give no exclusive lock
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DatasetError(f"{folder}: another process is preparing crops in this folder") from None
        yield


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DatasetError(
            f"{folder}: {needed / 1e9:.1f} GB are needed and {free / 1e9:.1f} GB are free; make room and run "
            "the same command again, or use --format jpeg"
        )
