"""The processes that crop: each takes a chunk, writes its crops, then the record that it is done."""

import multiprocessing
import os
import signal
import threading
import warnings
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

import cv2

from datamodules.cropping.crop_chunk import OK, ChunkCropper, Photo, count_kinds, read_ahead
from datamodules.cropping.crop_task import CropTask
from datamodules.errors import DatasetError
from storage.atomic import write_bytes

if TYPE_CHECKING:
    from datamodules.cropping.face_detector import FaceDetector

Pieces = Generator[Counter[str], None, None]
"""Counts of images by kind of status, for each finished chunk."""

_ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}  # read when torch is loaded


def load_detector(device: str) -> "FaceDetector":
    """Load MTCNN on "cpu" or "cuda"; on a CPU in one thread, so that results are reproducible."""
    import torch  # here, so that a new process reads _ONE_THREAD first

    from datamodules.cropping.face_detector import FaceDetector

    if device == "cpu":
        torch.set_num_threads(1)
    return FaceDetector(device)


class ChunkWorker:
    """Processes chunks in this process."""

    def __init__(self, task: CropTask) -> None:
        cv2.setNumThreads(0)  # the processes share the cores already
        warnings.filterwarnings("ignore", module=r"PIL\.")  # problems are recorded in the status
        self.task = task
        self.cropper = ChunkCropper(task.make_detector(), task.options, task.batch_size)

    def __call__(self, k: int, photos: Iterable[Photo]) -> Counter[str]:
        """Process chunk `k`, whose photographs come next in `photos`; count its images by kind of status."""
        crops, record = self.cropper(photos, len(self.task.rows(k)))
        if self.task.own_files:
            write_bytes(self.task.piece(k), crops.tobytes(), shared=True)
        else:
            self.task.writer.write(self.task.rows(k).start, crops, (record["status"] == OK).to_numpy())
        write_bytes(self.task.record(k), record.to_parquet(index=False), shared=True)
        return count_kinds(record)


def crop_here(task: CropTask, chunks: Sequence[int]) -> Pieces:
    """Process `chunks` in this process, with threads that decode ahead."""
    worker = ChunkWorker(task)
    photos = read_ahead(task.paths(chunks), task.options.max_pixels, task.threads)
    for k in chunks:
        yield worker(k, photos)


_worker: ChunkWorker | None = None  # in a process of the pool


def _start(task: CropTask) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    global _worker
    _worker = ChunkWorker(task)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)  # nobody is left to take a result; an unfinished chunk has no record


def _crop(k: int) -> Counter[str]:
    assert _worker is not None
    task = _worker.task
    return _worker(k, read_ahead(task.paths([k]), task.options.max_pixels, threads=0))


@contextmanager
def _starting_workers() -> Iterator[None]:
    """Let processes started within use one thread and leave Ctrl-C to their parent."""
    before = dict(os.environ)
    interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(_ONE_THREAD)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, interrupt)
        for name in _ONE_THREAD:
            os.environ.pop(name)
            os.environ.update({name: before[name]} if name in before else {})


def crop_in_processes(task: CropTask, chunks: Sequence[int], processes: int) -> Pieces:
    """Process `chunks` in several processes; yield counts as they finish, in any order.

    Raises:
        DatasetError: a process was killed, or an error of a process.
    """
    others = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
    pool = ProcessPoolExecutor(processes, context, initializer=_start, initargs=(task,))
    try:
        with _starting_workers():
            futures = [pool.submit(_crop, k) for k in chunks]
        for future in as_completed(futures):
            yield future.result()
        pool.shutdown()
    except BrokenProcessPool:
        raise DatasetError(
            "a worker process was killed, perhaps for lack of memory; run the same command again to go on "
            "where it stopped, if need be with fewer --processes or a smaller --batch_size"
        ) from None
    finally:
        for child in set(multiprocessing.active_children()) - others:
            child.terminate()
        pool.shutdown(cancel_futures=True)
