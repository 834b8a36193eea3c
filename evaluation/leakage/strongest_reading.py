"""The strongest of many readings: an interval that accounts for the choice."""

from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from evaluation.leakage.recall_intervals import CRITICAL, Recalls, balanced_intervals, class_recalls
from evaluation.samples.arrays import Floats, Ints

_DRAWS = 5000


class StrongestReading(NamedTuple):
    """The highest of several balanced accuracies of the same samples."""

    row: int
    """Row of the reading, the first of equals."""
    balanced_accuracy: float
    """In [0, 1]; without any leakage it lies above chance, since the highest was chosen."""
    low: float
    """Lower end of the 95 % interval of the highest true accuracy."""
    high: float
    """Upper end."""


def strongest_reading(
    label: Ints, subjects: Ints, correct: np.ndarray, spread: Floats | float = 0.0, seed: int = 0
) -> StrongestReading:
    """Choose the highest balanced accuracy of several readings, with an interval that counts the choice.

    The lower end holds for all readings at once that may be the highest (intersection bounds; Chernozhukov,
    Lee and Rosen 2013, "Intersection bounds: estimation and inference"): its quantile is that of the largest
    of their correlated errors over subjects, in place of the 1.96 of one reading. Readings that are worse
    than the best beyond that error cost nothing. The upper end is the highest of theirs, each alone.

    Like `balanced_intervals`, the interval is conditional on the trained attackers, except for `spread`.

    Args:
        label: (N,) classes.
        subjects: (N,) subject of each sample.
        correct: (R, N) in [0, 1], for each reading the share of predictions of a sample that were right.
        spread: (R,) standard deviation of each reading over retrainings; nan, of one training, counts as 0.
        seed: seed of the draws that estimate the quantile.
    """
    recalls = class_recalls(correct, label, subjects)
    spread = np.broadcast_to(np.nan_to_num(np.asarray(spread, np.float64)), len(recalls.recall))
    score, influence = recalls.balanced_accuracy, recalls.balanced_influence
    best = int(score.argmax())
    widest = critical_value(influence, seed)
    error = np.sqrt(((influence - influence[best]) ** 2).sum(1) + spread**2)
    near = np.flatnonzero(score[best] - score <= widest * error)
    rivals = Recalls(recalls.recall[near], recalls.influence[near], recalls.trials)
    low, _ = balanced_intervals(rivals, critical_value(influence[near], seed), spread[near])
    _, high = balanced_intervals(rivals, spread=spread[near])
    return StrongestReading(best, float(score[best]), float(low.max()), float(high.max()))


def critical_value(influence: Floats, seed: int = 0) -> float:
    """Estimate the 97.5 % quantile of the largest of several correlated standard normal errors.

    Args:
        influence: (R, P) contributions of P subjects to the errors of R readings, whose correlations count.
        seed: seed of the draws.
    """
    deviation = np.sqrt((influence**2).sum(1))
    varying = influence[deviation > 0] / deviation[deviation > 0, None]
    if len(varying) < 2:
        return CRITICAL
    size, direction = np.linalg.eigh(varying @ varying.T)
    root = direction * np.sqrt(size.clip(0))
    largest = (np.random.default_rng(seed).standard_normal((_DRAWS, len(varying))) @ root.T).max(1)
    return max(CRITICAL, float(np.quantile(largest, norm.cdf(CRITICAL))))
