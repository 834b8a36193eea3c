"""Rates of groups in bootstrap replicates of the subjects and of the trained classifiers."""

import numpy as np

from evaluation.fairness.group_rates import group_rates
from evaluation.fairness.predictions import Predictions
from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.subject_bootstrap import REPLICATES, draw_counts


def resampled_rates(
    predictions: Predictions, seed: int = 0, replicates: int = REPLICATES, *, by_group: bool = True
) -> dict[str, Floats]:
    """Compute the rates over all draws together, as they are and in bootstrap replicates.

    A replicate resamples the subjects (with all their samples, in all draws) and, independently, the draws
    (Owen's pigeonhole bootstrap). Of D draws it takes D - 1, whose variance is right however few they are
    (Rao and Wu, "Resampling inference with complex survey data", JASA 83, 1988). One draw tells nothing about
    the variance of the training, and its intervals are too narrow: over 200 tables those of the FPR gap held
    the expected gap in 85 %, with 2 draws in 93.5 % (`benchmarks.downstream_coverage`). The subjects that may
    be drawn for training are taken as given.

    Args:
        predictions: of all draws.
        seed: seed of the replicates; predictions for the same subjects get the same replicates.
        replicates: their number R.
        by_group: keep the two groups apart, or pool all samples.

    Returns:
        (1 + R, 2), or (1 + R, 1) for all samples, for each of `group_rates.RATES` and `auc`; the first row is
        that of the predictions as they are. A rate is one ratio of sums over the draws; so is the AUC, of
        pairs within a draw. Both are nan in a replicate without trials.
    """
    subjects, subject = np.unique(predictions.subject, return_inverse=True)
    draws = predictions.draws
    counts = predictions.counts(subject * draws + predictions.draw, len(subjects) * draws)
    if not by_group:
        counts = counts.sum(axis=1, keepdims=True)
    per_subject = counts.reshape(len(subjects), -1).astype(np.float64)
    shape = (draws, *counts.shape[1:])
    cell = predictions.draw * 2 + predictions.group if by_group else predictions.draw
    ranking = _Ranking(predictions, cell, subject)

    rng = np.random.default_rng(seed)
    times, turns = np.ones(len(subjects)), np.ones(draws)
    counted, ranked = [], []
    for replicate in range(1 + replicates):
        if replicate:
            times = draw_counts(rng, len(subjects))
            turns = draw_counts(rng, draws, max(draws - 1, 1))
        counted.append(np.tensordot(turns, (times @ per_subject).reshape(shape), 1))
        ranked.append(np.tensordot(turns, ranking.pairs(times).reshape(draws, -1, 2), 1))
    stacked = np.concatenate(counted).astype(np.int64)  # (1 + R) x groups
    concordant, pairs = np.moveaxis(np.stack(ranked), -1, 0)
    auc = np.divide(concordant, pairs, out=np.full_like(pairs, np.nan), where=pairs > 0)
    rates = group_rates(stacked, positive=1)
    return {name: rate.reshape(1 + replicates, -1) for name, rate in rates.items()} | {"auc": auc}


class _Ranking:
    """Predictions sorted by score within cells, so that ordered pairs can be counted with any weights.

    Args:
        predictions: M predictions.
        cell: (M,) cells within which pairs are compared, from 0; none is empty.
        subject: (M,) index of the subject.
    """

    def __init__(self, predictions: Predictions, cell: Ints, subject: Ints) -> None:
        order = np.lexsort((predictions.score, cell))
        cell, score = cell[order], predictions.score[order]
        self.subject, self.positive = subject[order], predictions.target[order] == 1
        new_cell = np.diff(cell, prepend=-1) > 0
        self.levels = np.flatnonzero(new_cell | (np.diff(score, prepend=np.nan) != 0))  # ties share one
        self.cells = np.flatnonzero(new_cell[self.levels])  # in levels
        self.sizes = np.diff(self.cells, append=len(self.levels))

    def pairs(self, times: Floats) -> Floats:
        """Count pairs of a positive and a negative, (cells, 2): those in order (ties count half), and all.

        Args:
            times: (P,) weight of each subject.
        """
        weight = times[self.subject]
        positive = np.add.reduceat(weight * self.positive, self.levels)
        negative = np.add.reduceat(weight * ~self.positive, self.levels)
        before = np.cumsum(negative) - negative
        below = before - np.repeat(before[self.cells], self.sizes) + negative / 2
        concordant = np.add.reduceat(positive * below, self.cells)
        positives, negatives = (np.add.reduceat(x, self.cells) for x in (positive, negative))
        return np.stack([concordant, positives * negatives], axis=1)
