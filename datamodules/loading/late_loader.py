"""A DataLoader that asks its sampler nothing before the first batch is wanted."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from torch.utils.data import DataLoader

Batch = TypeVar("Batch")


class LateLoader(DataLoader[Batch]):
    """A `DataLoader` whose sampler, and loader processes, start with the first batch of an epoch.

    Lightning makes the iterator before it knows which epoch, and which batch of it, training goes on with;
    torch's own loader processes would already have read the start of epoch 0.

    The loader processes do not hear SIGTERM, which clusters send to all processes of a job: without them the
    training could not end, and save, the batch that it is in. They end with the process that reads of them.
    """

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]  # torch names its own private class
        """The batches of an epoch."""
        with _blocked(signal.SIGTERM):
            batches = super().__iter__()
        yield from batches


@contextmanager
def _blocked(number: signal.Signals) -> Iterator[None]:
    """Have a signal wait; processes that are started meanwhile never hear it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
