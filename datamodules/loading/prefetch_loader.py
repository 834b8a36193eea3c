"""A DataLoader that makes the next batches in a thread while the model works on the current one.

torch's own prefetching, and torchdata's, needs worker processes, to which every batch has to be copied; crops
from a memory map are gathered faster by a thread (benchmarks/loading_speed.py).
"""

import threading
import weakref
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any, TypeVar

import torch

from datamodules.loading.late_loader import LateLoader

DEPTH = 2
"""Batches made ahead."""

_PATIENCE = 60.0  # seconds; limits how long a finaliser waits for the batches being made

Batch = TypeVar("Batch")


class _End:
    """Follows the last batch; holds the error if there was one."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def _load(
    batches: Iterator[Any], device: int | None, wanted: SimpleQueue[bool], ready: SimpleQueue[Any]
) -> None:
    """Make a batch for each True in `wanted`, until the first False, without a reference to the consumer."""
    torch.set_num_threads(1)  # of this thread; more would compete with the model for cores
    try:
        if device is not None:  # a new thread starts on device 0, where pinning would make a context
            torch.cuda.set_device(device)
        while wanted.get():
            ready.put(next(batches))
    except StopIteration:
        ready.put(_End())
    except BaseException as error:
        ready.put(_End(error))


def _stop(thread: threading.Thread, wanted: SimpleQueue[bool]) -> None:
    """End the thread after the batches asked for, so that what was read does not depend on timing."""
    wanted.put(False)
    if thread.is_alive() and thread is not threading.current_thread():  # collected in any thread
        thread.join(_PATIENCE)


class _Ahead(Iterator[Batch]):
    """The batches of another iterator in its order, made `DEPTH` ahead by a thread.

    The thread starts with the first `next`, so that the epoch of a sampler can be set until then, and ends
    with the last batch, an error, `close`, the end of this object or that of the process.

    Args:
        batches: the other iterator; only the thread advances it.
        device: index of the CUDA device that batches are pinned for; None if they are not.
    """

    def __init__(self, batches: Iterator[Batch], device: int | None) -> None:
        self._wanted: SimpleQueue[bool] = SimpleQueue()
        self._ready: SimpleQueue[Batch | _End] = SimpleQueue()
        self._thread = threading.Thread(
            target=_load,
            args=(batches, device, self._wanted, self._ready),
            name="prefetch",
            daemon=True,  # otherwise Python would wait for it at exit before `close` runs
        )
        self.close = weakref.finalize(self, _stop, self._thread, self._wanted)

    def __next__(self) -> Batch:
        if not self.close.alive:
            raise StopIteration
        if self._thread.ident is None:
            self._thread.start()
            for _ in range(DEPTH):
                self._wanted.put(True)
        batch = self._ready.get()
        if not isinstance(batch, _End):
            self._wanted.put(True)
            return batch
        self.close()
        try:
            raise batch.error or StopIteration  # an error comes with the traceback of the thread
        finally:
            del batch  # its traceback leads to this frame


class PrefetchLoader(LateLoader[Batch]):
    """A `LateLoader` that, with `num_workers=0`, reads and pins batches ahead of their use in one thread.

    It yields the same batches in the same order. The reading must not draw from the global random states,
    which the model uses at the same time. With `num_workers` above 0 it is a plain `LateLoader`.
    """

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]  # torch names its own private class
        """Iterate over the batches of an epoch."""
        batches = super().__iter__()
        if self.num_workers > 0:
            return batches
        pinned = self.pin_memory and torch.cuda.is_available()
        return _Ahead(batches, torch.cuda.current_device() if pinned else None)
