"""Leakage before and after an eraser, compared over the same samples and subjects."""

from math import nan, sqrt
from typing import NamedTuple

import numpy as np

from evaluation.leakage.recall_intervals import class_recalls
from evaluation.leakage.reduction import leakage_reduction
from evaluation.leakage.strongest_reading import StrongestReading, strongest_reading
from evaluation.samples.arrays import Floats, Ints


class PairedReadings(NamedTuple):
    """The strongest readings before and after, their difference, and the leakage reduction."""

    before: StrongestReading
    after: StrongestReading
    chance: float
    """1 / classes."""
    difference: float
    """After minus before, of balanced accuracies."""
    difference_low: float
    difference_high: float
    removed: float
    """Leakage reduction in percent, see `leakage_reduction`; at most 100."""
    removed_low: float
    removed_high: float
    """Ends of 95 % intervals over subjects; nan where `removed` is."""


def paired_readings(
    label: Ints,
    subjects: Ints,
    before: np.ndarray,
    after: np.ndarray,
    spread_before: Floats | float = 0.0,
    spread_after: Floats | float = 0.0,
    seed: int = 0,
) -> PairedReadings:
    """Compare the strongest reading before an eraser with the strongest after it.

    Each side chooses the highest of its readings, and its interval counts that choice (`strongest_reading`).
    The distances to the ends of both are combined with the correlation of the two chosen readings over
    subjects (MOVER; Zou and Donner 2008), so what both get wrong about the same subjects cancels. "More",
    "less" and "the same" follow from the interval of the difference: two overlapping intervals may well
    differ. The interval of the reduction inverts that of `after - chance - r (before - chance)`, as Fieller's
    theorem does.

    Args:
        label: (N,) classes.
        subjects: (N,) subject of each sample.
        before: (R, N) in [0, 1], for each reading the share of predictions of a sample that were right.
        after: (S, N), of the same samples in the same order.
        spread_before: (R,) standard deviations over retrainings, see `balanced_intervals`.
        spread_after: (S,) likewise.
        seed: seed of `strongest_reading`.

    Raises:
        ValueError: the two sides are of different numbers of samples.
    """
    if not len(label) == np.shape(before)[1] == np.shape(after)[1]:
        shapes = f"{np.shape(before)} and {np.shape(after)}"
        raise ValueError(f"paired readings need the {len(label)} labelled samples on both sides: {shapes}")
    one = strongest_reading(label, subjects, before, spread_before, seed)
    two = strongest_reading(label, subjects, after, spread_after, seed)
    both = class_recalls(np.stack([before[one.row], after[two.row]]), label, subjects)
    correlation = _correlation(*both.balanced_influence)
    difference = two.balanced_accuracy - one.balanced_accuracy
    low, high = (
        _combined(a, b, correlation)
        for a, b in (
            (two.balanced_accuracy - two.low, one.high - one.balanced_accuracy),
            (two.high - two.balanced_accuracy, one.balanced_accuracy - one.low),
        )
    )
    chance = 1 / len(np.unique(label))
    removed = leakage_reduction(one.balanced_accuracy, two.balanced_accuracy, chance, one.low)
    ends = (nan, nan) if np.isnan(removed) else _reduction_interval(one, two, chance, correlation)
    return PairedReadings(one, two, chance, difference, difference - low, difference + high, removed, *ends)


def _correlation(a: Floats, b: Floats) -> float:
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 0 else 0.0


def _combined(a: float, b: float, correlation: float) -> float:
    """Combine two distances to the ends of intervals into that of the difference."""
    return sqrt(max(a * a + b * b - 2 * correlation * a * b, 0))


def _reduction_interval(
    before: StrongestReading, after: StrongestReading, chance: float, correlation: float
) -> tuple[float, float]:
    """Compute the ends in percent, at most 100; the lower end of `before` is above chance."""
    excess_before, excess_after = before.balanced_accuracy - chance, after.balanced_accuracy - chance

    def parts(a: float, b: float) -> tuple[float, float, float, float]:
        """Coefficients of the quadratic in the ratio, and the root of its discriminant."""
        middle = excess_after * excess_before - correlation * a * b
        square, rest = excess_before**2 - b * b, excess_after**2 - a * a
        return square, middle, rest, sqrt(max(middle**2 - square * rest, 0))

    to_high, to_low = after.high - after.balanced_accuracy, before.balanced_accuracy - before.low
    square, middle, _, root = parts(to_high, to_low)
    least = min(100 * (1 - (middle + root) / square), 100.0)
    if after.low <= chance:
        return least, 100.0
    to_low, to_high = after.balanced_accuracy - after.low, before.high - before.balanced_accuracy
    _, middle, rest, root = parts(to_low, to_high)  # the form of the smaller root that holds if square is 0
    return least, 100 * (1 - rest / (middle + root))
