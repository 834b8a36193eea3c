"""A DataLoader that asks its sampler nothing before the first batch is wanted."""

from collections.abc import Iterator
from typing import TypeVar

from torch.utils.data import DataLoader

Batch = TypeVar("Batch")


class LateLoader(DataLoader[Batch]):
    """A `DataLoader` whose sampler, and loader processes, start with the first batch of an epoch.

    Lightning makes the iterator before it knows which epoch, and which batch of it, training goes on with;
    torch's own loader processes would already have read the start of epoch 0.
    """

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]  # torch names its own private class
        """The batches of an epoch."""
        yield from super().__iter__()
