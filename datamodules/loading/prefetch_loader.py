"""A DataLoader that makes the next batches while the model works on the last, in a thread of this process."""

import threading
import weakref
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any, TypeVar

import torch

from datamodules.loading.late_loader import LateLoader

DEPTH = 2
"""Batches made ahead."""

_PATIENCE = 60.0  # seconds; a finaliser waits for the batches being made, but never for ever

Batch = TypeVar("Batch")


class _End:
    """Follows the last batch; holds the error if there was one."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def _load(
    batches: Iterator[Any], device: int | None, wanted: SimpleQueue[bool], ready: SimpleQueue[Any]
) -> None:
    """Make a batch for each True in `wanted`, until the first False; holds no reference to the consumer."""
    torch.set_num_threads(1)  # of this thread; more would fight with the model's own for the same cores
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
    """End the thread; the batches asked for are made first, so that what was read depends on no timing."""
    wanted.put(False)
    if thread.is_alive() and thread is not threading.current_thread():  # garbage is collected anywhere
        thread.join(_PATIENCE)


class _Ahead(Iterator[Batch]):
    """The batches of another iterator in its order, made `DEPTH` ahead by a thread.

    The thread starts with the first `next`, so that a sampler's epoch can be set until then, and ends with
    the last batch, an error, `close`, the end of this object or that of the process.

    Args:
        batches: the other iterator; the thread alone advances it.
        device: index of the CUDA device that batches are pinned for; None if they are not.
    """

    def __init__(self, batches: Iterator[Batch], device: int | None) -> None:
        self._wanted: SimpleQueue[bool] = SimpleQueue()
        self._ready: SimpleQueue[Batch | _End] = SimpleQueue()
        self._thread = threading.Thread(
            target=_load,
            args=(batches, device, self._wanted, self._ready),
            name="prefetch",
            daemon=True,  # or Python would wait for it at exit before it lets `close` run
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
    """A `LateLoader` that, with `num_workers=0`, reads and pins batches in one thread, ahead of their use.

    The same batches in the same order. What reads ahead must not draw from the global random states, which
    the model draws from at the same time. With `num_workers` above 0 it is a plain `LateLoader`.
    """

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]  # torch names its own private class
        """The batches of an epoch."""
        batches = super().__iter__()
        if self.num_workers > 0:
            return batches
        pinned = self.pin_memory and torch.cuda.is_available()
        return _Ahead(batches, torch.cuda.current_device() if pinned else None)
