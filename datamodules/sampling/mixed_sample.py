"""Samples with chosen shares of the classes of one attribute, such as 60/30/10 by ethnicity."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from datamodules.errors import DatasetError


def allot(n: int, shares: Sequence[float]) -> list[int]:
    """Split n into whole numbers in proportion to `shares`; the largest remainders are rounded up."""
    exact = [n * share / math.fsum(shares) for share in shares]
    counts = [math.floor(x + 1e-9) for x in exact]
    by_remainder = sorted(range(len(shares)), key=lambda i: counts[i] - exact[i])
    for i in by_remainder[: n - sum(counts)]:
        counts[i] += 1
    return counts


def check_mix(what: str, shares: Mapping[str, float] | None, n: int | None) -> None:
    """Raise a ValueError, which begins with `what`, for shares that cannot be scaled to 1, or n below 1."""
    if shares is not None and (not shares or min(shares.values()) < 0 or not sum(shares.values()) > 0):
        raise ValueError(f"{what}: shares are numbers of 0 or more, not all 0; got {shares}")
    if n is not None and n < 1:
        raise ValueError(f"{what}: n is {n}, it must be at least 1")


@dataclass(frozen=True)
class MixedSample:
    """A fixed sample of `n` images in which each class of `attribute` has its share.

    Args:
        shares: of each class, by its name; scaled to a sum of 1. A class that is not named is left out.
        attribute: the attribute whose classes are mixed.
        n: number of images; null takes as many as the data allow.
    """

    shares: dict[str, float]
    attribute: str = "ethnicity"
    n: int | None = None

    def __post_init__(self) -> None:
        check_mix("mixed sample", self.shares, self.n)

    @property
    def names(self) -> tuple[str]:
        """The attribute that the draw needs."""
        return (self.attribute,)

    def check(self, attributes: Mapping[str, Sequence[str]]) -> None:
        """Raise a ValueError unless the attribute and its classes are among `attributes`."""
        if self.attribute not in attributes:
            raise ValueError(
                f"mixed sample: unknown attribute {self.attribute!r}; there are {', '.join(attributes)}"
            )
        for name in self.shares:
            if name not in attributes[self.attribute]:
                known = ", ".join(attributes[self.attribute][:20])
                raise ValueError(f"mixed sample: {self.attribute} has no class {name!r}; it has {known}")

    def draw(
        self, labels: Mapping[str, np.ndarray], attributes: Mapping[str, Sequence[str]], seed: int
    ) -> np.ndarray:
        """Draw without replacement; with one seed a smaller sample is part of a larger one of equal shares.

        Args:
            labels: (N,) integers for the attribute; -1 is never drawn.
            attributes: the class names.
            seed: of the draw.

        Returns:
            (n,) int64 indices in ascending order.

        Raises:
            DatasetError: a class has too few images; names it and the largest n that fits.
        """
        self.check(attributes)
        classes = [list(attributes[self.attribute]).index(name) for name in self.shares]
        pools = [np.flatnonzero(labels[self.attribute] == c) for c in classes]
        shares = list(self.shares.values())
        largest = _largest([len(pool) for pool in pools], shares)
        n = largest if self.n is None else self.n
        if not 0 < n <= largest:
            have = ", ".join(f"{name}: {len(pool)}" for name, pool in zip(self.shares, pools, strict=True))
            wanted = "any" if self.n is None else f"{n} images"
            raise DatasetError(
                f"mixed sample: {wanted} cannot be drawn from {have}; the largest n is {largest}"
            )
        drawn = [
            np.random.default_rng((seed, c)).permutation(pool)[:count]
            for c, pool, count in zip(classes, pools, allot(n, shares), strict=True)
        ]
        return np.sort(np.concatenate(drawn)).astype(np.int64)


def _largest(have: Sequence[int], shares: Sequence[float]) -> int:
    """Return the largest n whose allotment fits into `have`."""
    bound = min(h / s for h, s in zip(have, shares, strict=True) if s) * math.fsum(shares)
    candidates = range(math.floor(bound) + len(shares) + 1, -1, -1)  # remainders move a count by less than 1
    return next(n for n in candidates if all(c <= h for c, h in zip(allot(n, shares), have, strict=True)))
