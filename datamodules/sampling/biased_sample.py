"""Samples with a chosen bias: balanced over two attributes, skewed in a third (thesis, chapter 4)."""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from datamodules.errors import DatasetError

Cell = tuple[int, int, int]
"""Labels of (target, balance, bias)."""

_CELLS: tuple[Cell, ...] = tuple((t, b, s) for t in (0, 1) for b in (0, 1) for s in (0, 1))


@dataclass(frozen=True)
class BiasedSample:
    """A sample of `n` images balanced over `target` x `balance`, in which `bias` correlates with `target`.

    The thesis trains on 36,000 CelebA images, attractive and not, women and men in equal parts; 70 % of the
    attractive and 30 % of the others smile (`share` 0.7), or half of each (`share` 0.5, unbiased); it tests
    on 4,000 unbiased ones.

    Args:
        n: number of images, a multiple of 4; null takes as many as the data allow.
        share: share of the images with target=1 that have bias=1, and of those with target=0 that have
            bias=0.
        target: the binary attribute to predict.
        balance: the binary attribute that stays balanced.
        bias: the binary attribute that is skewed.
    """

    n: int | None = None
    share: float = 0.5
    target: str = "attractive"
    balance: str = "gender"
    bias: str = "smiling"

    def __post_init__(self) -> None:
        if self.n is not None and (self.n < 4 or self.n % 4):
            nearest = max(4, 4 * round(self.n / 4))
            raise ValueError(
                f"biased sample: n is {self.n}, it must be a multiple of 4; nearest is {nearest}"
            )
        if not 0 <= self.share <= 1:
            raise ValueError(f"biased sample: share is {self.share}, it must lie between 0 and 1")
        if len(set(self.names)) < 3:
            raise ValueError(
                f"biased sample: target, balance and bias must differ, got {', '.join(self.names)}"
            )

    @property
    def names(self) -> tuple[str, str, str]:
        """The attributes (target, balance, bias)."""
        return self.target, self.balance, self.bias

    def check(self, attributes: Mapping[str, Sequence[str]]) -> None:
        """Raise a ValueError unless all three are binary attributes among `attributes`."""
        binary = [name for name, classes in attributes.items() if len(classes) == 2]
        for name in self.names:
            if name not in binary:
                what = "not binary" if name in attributes else "unknown"
                raise ValueError(
                    f"biased sample: attribute {name!r} is {what}; binary are {', '.join(binary)}"
                )

    def draw(
        self, labels: Mapping[str, np.ndarray], attributes: Mapping[str, Sequence[str]], seed: int
    ) -> np.ndarray:
        """Draw indices (n,), after `check`; see `draw_biased_sample`."""
        self.check(attributes)
        return draw_biased_sample(labels, self, seed)


def _needed(n: int, share: float) -> dict[Cell, int]:
    """Count the images needed in each cell; each of the four target x balance blocks has exactly n / 4."""
    block = n // 4
    with_trend = math.floor(block * share + 0.5)
    return {cell: with_trend if cell[0] == cell[2] else block - with_trend for cell in _CELLS}


def _pools(labels: Mapping[str, np.ndarray], spec: BiasedSample) -> dict[Cell, np.ndarray]:
    """Collect the indices of the images of each cell; unknown (-1) labels are in none."""
    columns = np.stack([np.asarray(labels[name]) for name in spec.names])
    return {cell: np.flatnonzero((columns == np.array(cell)[:, None]).all(axis=0)) for cell in _CELLS}


def _largest(have: Mapping[Cell, int], share: float) -> int:
    def too_large(block: int) -> bool:
        return any(need > have[cell] for cell, need in _needed(4 * block, share).items())

    # A cell's need never falls as n grows, so all sizes that fit come before those that do not.
    return 4 * (bisect_left(range(sum(have.values()) + 2), True, key=too_large) - 1)


def draw_biased_sample(labels: Mapping[str, np.ndarray], spec: BiasedSample, seed: int) -> np.ndarray:
    """Draw a sample without replacement.

    Each cell has its own order that depends only on the seed, and its first images are taken: with one seed a
    smaller sample is part of a larger one, and a biased sample shares as much as possible with an unbiased
    one, so that their comparison is less noisy. Where n / 4 * share is not whole, the nearest whole number is
    taken and the rest of the n / 4 images go to the other half of their block.

    Args:
        labels: (N,) integers 0, 1 or -1 (unknown, never drawn) for each attribute of `spec`.
        spec: the sample.
        seed: of the draw.

    Returns:
        (n,) int64 indices in ascending order.

    Raises:
        DatasetError: a cell has too few images; names it and the largest n that fits.
    """
    pools = _pools(labels, spec)
    have = {cell: len(pool) for cell, pool in pools.items()}
    largest = _largest(have, spec.share)
    n = spec.n or largest or 4
    needed = _needed(n, spec.share)
    short = [
        ",".join(f"{name}={value}" for name, value in zip(spec.names, cell, strict=True))
        + f" ({have[cell]} of {need})"
        for cell, need in needed.items()
        if need > have[cell]
    ]
    if short:
        advice = f"the largest n that fits is {largest}" if largest else "not even n = 4 fits"
        raise DatasetError(f"biased sample of {n}: too few images with {'; '.join(short)}; {advice}")
    drawn = [
        np.random.default_rng((seed, *cell)).permutation(pool)[: needed[cell]] for cell, pool in pools.items()
    ]
    return np.sort(np.concatenate(drawn)).astype(np.int64)
