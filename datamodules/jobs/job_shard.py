"""A shard of a job that several processes share: `--shard i/n`."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_SHOWN = 10


@dataclass(frozen=True)
class Shard:
    """Every `count`-th part of a job, from part `index` on.

    Attributes:
        index: 0 to `count` - 1.
        count: number of shards.
    """

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Parse "i/n"; raise `ValueError` for any other text."""
        found = re.fullmatch(r"([0-9]+)/([1-9][0-9]*)", text)
        if found is None:
            raise ValueError(f"--shard is {text!r}; give i/n, such as 0/8 for the first of eight")
        shard = cls(*map(int, found.groups()))
        if shard.index >= shard.count:
            raise ValueError(
                f"--shard is {text}; of {shard.count} shards 0/{shard.count} is the first and "
                f"{shard.count - 1}/{shard.count} the last"
            )
        return shard

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


def parts_of(shard: Shard | None, total: int) -> range:
    """Return the numbers of the parts of a shard, of parts 0 to `total` - 1; all parts for None."""
    return range(total) if shard is None else range(shard.index, total, shard.count)


def shards_with(todo: Iterable[int], count: int) -> list[Shard]:
    """List those of `count` shards that have a part in `todo`."""
    return [Shard(index, count) for index in sorted({k % count for k in todo})]


def listed(shards: list[Shard]) -> str:
    """List the first shards for a message."""
    more = len(shards) - _SHOWN
    names = ", ".join(map(str, shards[:_SHOWN]))
    return f"{names} and {more} more" if more > 0 else names
