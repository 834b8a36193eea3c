"""Rates of groups with the uncertainty of who was tested and of which classifier happened to be trained."""

import numpy as np

from evaluation.fairness.group_rates import group_rates
from evaluation.fairness.predictions import Answers
from evaluation.samples.arrays import Floats, Ints

_REPLICATES = 1000


def resampled_rates(
    answers: Answers, seed: int = 0, replicates: int = _REPLICATES, *, by_group: bool = True
) -> dict[str, Floats]:
    """The rates of all draws together, as they are and in bootstrap replicates.

    A replicate draws the people anew (with all their samples, in all draws) and, independently, the draws
    (Owen's pigeonhole bootstrap). With few draws it can only hint at how much the training varies, and it
    takes the people who may be drawn for training as given.

    Args:
        answers: of all draws.
        seed: of the replicates; equal people and draws are drawn for answers about the same people.
        replicates: how many, R.
        by_group: tell the two groups apart, or take all samples together.

    Returns:
        (1 + R, 2), or (1 + R, 1) of all samples, for each of `group_rates.RATES` and `auc`; the first row is
        that of the answers as they are. A rate is one ratio of sums over the draws; so is the AUC, of pairs
        within a draw. Both are nan in a replicate that lacks what they count.
    """
    people, person = np.unique(answers.person, return_inverse=True)
    draws = answers.draws
    counts = answers.counts(person * draws + answers.draw, len(people) * draws)
    if not by_group:
        counts = counts.sum(axis=1, keepdims=True)
    per_person = counts.reshape(len(people), -1).astype(np.float64)
    shape = (draws, *counts.shape[1:])
    cell = answers.draw * 2 + answers.group if by_group else answers.draw
    ranking = _Ranking(answers, cell, person)

    rng = np.random.default_rng(seed)
    times, turns = np.ones(len(people)), np.ones(draws)
    counted, ranked = [], []
    for replicate in range(1 + replicates):
        if replicate:
            times, turns = (_times(rng, n) for n in (len(people), draws))
        counted.append(np.tensordot(turns, (times @ per_person).reshape(shape), 1))
        ranked.append(np.tensordot(turns, ranking.pairs(times).reshape(draws, -1, 2), 1))
    stacked = np.concatenate(counted).astype(np.int64)  # (1 + R) x groups
    concordant, pairs = np.moveaxis(np.stack(ranked), -1, 0)
    auc = np.divide(concordant, pairs, out=np.full_like(pairs, np.nan), where=pairs > 0)
    rates = group_rates(stacked, positive=1)
    return {name: rate.reshape(1 + replicates, -1) for name, rate in rates.items()} | {"auc": auc}


def interval(replicates: Floats) -> tuple[float, float]:
    """The middle 95 % of the replicates (R,) that are defined."""
    low, high = np.nanquantile(replicates, [0.025, 0.975])
    return float(low), float(high)


def _times(rng: np.random.Generator, n: int) -> Floats:
    """How often each of n is drawn in n draws with replacement, (n,)."""
    return np.bincount(rng.integers(n, size=n), minlength=n).astype(np.float64)


class _Ranking:
    """Answers in order of score within cells, so that the pairs in order can be counted with any weights.

    Args:
        answers: M of them.
        cell: (M,) whose pairs are compared, from 0; none is empty.
        person: (M,) index of the person.
    """

    def __init__(self, answers: Answers, cell: Ints, person: Ints) -> None:
        order = np.lexsort((answers.score, cell))
        cell, score = cell[order], answers.score[order]
        self.person, self.positive = person[order], answers.target[order] == 1
        new_cell = np.diff(cell, prepend=-1) > 0
        self.levels = np.flatnonzero(new_cell | (np.diff(score, prepend=np.nan) != 0))  # ties share one
        self.cells = np.flatnonzero(new_cell[self.levels])  # in levels
        self.sizes = np.diff(self.cells, append=len(self.levels))

    def pairs(self, times: Floats) -> Floats:
        """(cells, 2) pairs of a positive and a negative: in order (ties count half), and all of them.

        Args:
            times: (P,) how often each person is there.
        """
        weight = times[self.person]
        positive = np.add.reduceat(weight * self.positive, self.levels)
        negative = np.add.reduceat(weight * ~self.positive, self.levels)
        before = np.cumsum(negative) - negative
        below = before - np.repeat(before[self.cells], self.sizes) + negative / 2
        concordant = np.add.reduceat(positive * below, self.cells)
        positives, negatives = (np.add.reduceat(x, self.cells) for x in (positive, negative))
        return np.stack([concordant, positives * negatives], axis=1)
