"""A DataLoader that asks its sampler for nothing before the first batch is wanted.

torchdata's StatefulDataLoader would store a position for each rank and worker in every checkpoint. Here the
position follows from the trainer's epoch and batch (`samplers.Position`), so that any checkpoint resumes to
the bit, with any number of workers.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from torch.utils.data import DataLoader

Batch = TypeVar("Batch")


class LateLoader(DataLoader[Batch]):
    """A `DataLoader` whose sampler and loader processes start with the first batch of an epoch.

    Lightning makes the iterator before it knows in which epoch, and at which batch, training resumes; torch's
    own loader processes would already have read the start of epoch 0.

    The loader processes ignore SIGTERM, which clusters send to all processes of a job: without them the
    training could not finish, and save, its current batch. They end with the process that reads from them.
    """

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]  # torch names its own private class
        """Iterate over the batches of an epoch."""
        with _blocked(signal.SIGTERM):
            batches = super().__iter__()
        yield from batches


@contextmanager
def _blocked(number: signal.Signals) -> Iterator[None]:
    """Block a signal; processes that are started meanwhile never receive it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
