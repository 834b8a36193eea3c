"""Intervals of balanced accuracies over subjects, which hold near 0 and 1 and for rare classes."""

from typing import NamedTuple

import numpy as np
from scipy.stats import beta, norm, t

from evaluation.samples.arrays import Floats, Ints

CRITICAL = float(norm.ppf(0.975))
"""Standard normal quantile of a 95 % interval."""


class Recalls(NamedTuple):
    """Recalls of R readings (an attacker with a scaling), of the same samples with C classes."""

    recall: Floats
    """(R, C) share of the samples of each class that was predicted correctly."""
    influence: Floats
    """(R, P, C) contribution of each of P subjects to the error of a recall; each sums to 0 over subjects."""
    trials: Floats
    """(P, C) number of samples."""

    @property
    def balanced_accuracy(self) -> Floats:
        """(R,) mean recall of the classes."""
        return self.recall.mean(1)

    @property
    def balanced_influence(self) -> Floats:
        """(R, P) contribution of each subject to the error of a balanced accuracy."""
        return self.influence.mean(2)


def class_recalls(correct: np.ndarray, label: Ints, subjects: Ints) -> Recalls:
    """Compute the recall of each class, and what each subject contributes to it.

    Args:
        correct: (R, N) in [0, 1], for each of R readings the share of predictions that were right.
        label: (N,) classes.
        subjects: (N,) subject of each sample.
    """
    classes, label = np.unique(label, return_inverse=True)
    distinct, subjects = np.unique(subjects, return_inverse=True)
    cell = subjects * len(classes) + label
    shape = (len(distinct), len(classes))
    trials = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
    hits = [np.bincount(cell, one, minlength=trials.size).reshape(shape) for one in np.asarray(correct)]
    recall = np.stack([one.sum(0) for one in hits]) / trials.sum(0)
    influence = (np.stack(hits) - recall[:, None] * trials) / trials.sum(0)
    return Recalls(recall, influence, trials)


def balanced_intervals(
    recalls: Recalls, critical: float = CRITICAL, spread: Floats | float = 0.0
) -> tuple[Floats, Floats]:
    """Compute intervals of balanced accuracies over subjects.

    Each recall gets Jeffreys' interval of a proportion of as many independent samples as it is worth: their
    number over the design effect, the variance over subjects in units of the binomial one, at least 1
    (Franco et al. 2019, "Comparative study of confidence intervals for proportions in complex sample
    surveys"). Where subjects have several samples, the quantile is Student's. A class without errors takes
    the samples of a subject for one. The distances from the recalls to these ends are then combined with
    the correlations of the recalls (MOVER; Zou and Donner 2008, "Construction of confidence limits about
    effect measures"). `python -m benchmarks.interval_coverage` compares the coverage with the bootstrap's.

    The interval is conditional on the trained attackers: it covers what they would read on further subjects.

    Args:
        recalls: of R readings.
        critical: standard normal quantile of each end; higher where several readings are looked at.
        spread: (R,) standard deviation over retrainings, which widens the interval; 0 leaves it conditional.

    Returns:
        Low and high ends, (R,) each, in [0, 1].
    """
    low, high = _recall_ends(recalls, critical)
    deviation = np.sqrt((recalls.influence**2).sum(1))
    safe = np.where(deviation > 0, deviation, 1)[:, None]
    correlation = np.einsum("rpc,rpd->rcd", recalls.influence / safe, recalls.influence / safe)
    diagonal = np.arange(correlation.shape[1])
    correlation[:, diagonal, diagonal] = 1
    middle, retraining = recalls.balanced_accuracy, (critical * np.asarray(spread)) ** 2
    below, above = (
        np.sqrt(np.einsum("rc,rcd,rd->r", side, correlation, side).clip(0) / len(diagonal) ** 2 + retraining)
        for side in (recalls.recall - low, high - recalls.recall)
    )
    return (middle - below).clip(0, 1), (middle + above).clip(0, 1)


def _recall_ends(recalls: Recalls, critical: float) -> tuple[Floats, Floats]:
    """Compute the ends (R, C) of the intervals of the recalls."""
    trials, count = recalls.trials, recalls.trials.sum(0)
    subjects = (trials > 0).sum(0)
    cluster = (trials**2).sum(0) / count  # samples of a subject, as a sample meets them
    binomial = recalls.recall * (1 - recalls.recall) / count
    correction = subjects / np.maximum(subjects - 1, 1)
    variance = (recalls.influence**2).sum(1) * correction
    effect = np.divide(variance, binomial, out=np.broadcast_to(cluster, variance.shape).copy(),
                       where=(binomial > 0) & (variance > 0))  # fmt: skip
    worth = count / np.where(cluster > 1, np.maximum(effect, 1), 1)
    tail = norm.sf(critical)
    student = t.isf(tail, np.maximum(subjects - 1, 1))
    worth = worth * np.where(cluster > 1, (critical / student) ** 2, 1)
    hits = recalls.recall * worth
    low = np.where(recalls.recall > 0, beta.ppf(tail, hits + 0.5, worth - hits + 0.5), 0)
    high = np.where(recalls.recall < 1, beta.isf(tail, hits + 0.5, worth - hits + 0.5), 1)
    # where next to no sample counts, Jeffreys' prior may cross the recall
    return np.minimum(low, recalls.recall), np.maximum(high, recalls.recall)
