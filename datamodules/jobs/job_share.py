"""A share of a job that several processes do at once: `--shard i/n`."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_SHOWN = 10


@dataclass(frozen=True)
class Share:
    """Every `count`-th part of a job, from part `index` on.

    Attributes:
        index: 0 to `count` - 1.
        count: of shares.
    """

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Share":
        """The share "i/n"; raises `ValueError` for any other text."""
        found = re.fullmatch(r"([0-9]+)/([1-9][0-9]*)", text)
        if found is None:
            raise ValueError(f"--shard is {text!r}; give i/n, such as 0/8 for the first of eight")
        share = cls(*map(int, found.groups()))
        if share.index >= share.count:
            raise ValueError(
                f"--shard is {text}; of {share.count} shards 0/{share.count} is the first and "
                f"{share.count - 1}/{share.count} the last"
            )
        return share

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


def parts_of(share: Share | None, total: int) -> range:
    """The numbers of a share's parts, of parts 0 to `total` - 1; all of them for no share."""
    return range(total) if share is None else range(share.index, total, share.count)


def shares_with(todo: Iterable[int], count: int) -> list[Share]:
    """Those of `count` shares that have a part in `todo`."""
    return [Share(index, count) for index in sorted({k % count for k in todo})]


def listed(shares: list[Share]) -> str:
    """The first shares of a list, for a message."""
    more = len(shares) - _SHOWN
    names = ", ".join(map(str, shares[:_SHOWN]))
    return f"{names} and {more} more" if more > 0 else names
