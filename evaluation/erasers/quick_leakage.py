"""A reading of leakage that is quick enough to choose among erasers; the audit's own is thorough."""

from itertools import product
from typing import NamedTuple

import numpy as np
from sklearn.metrics import balanced_accuracy_score

from evaluation.probes.attacker_table import TABLE, Attacker, scalings_of
from evaluation.probes.attackers import attack
from evaluation.probes.standardise import Scaling, scale_rows
from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.subject_folds import subject_folds

ATTACKERS: tuple[Attacker, ...] = ("linear", "knn", "kernel_rbf")  # of different kinds, seconds each
_SCALINGS: tuple[Scaling, ...] = ("standardised", "raw")  # equal noise hides least in the widest components
_MOST = 3000  # samples that an attacker learns from if its time grows faster than linearly


class QuickReading(NamedTuple):
    """The strongest attacker."""

    leakage: float
    """Its balanced accuracy."""
    attacker: str
    """Its name."""


def quick_leakage(
    seen: tuple[Floats, Ints], w: Floats, label: Ints, subjects: Ints, seed: int
) -> QuickReading:
    """Attack erased embeddings with three classifiers, standardised and as they are; return the strongest.

    They learn from half of the subjects, alone and together with the samples that the eraser has seen, and
    are tested on the other half.

    Args:
        seen: (M, k) erased embeddings that the eraser learned from, and their classes (M,).
        w: (N, k) erased embeddings of other subjects.
        label: (N,) classes 0, 1, ...; samples of -1 are left out.
        subjects: (N,) subject of each.
        seed: of the halves and of the attackers.

    Raises:
        ValueError: fewer than two subjects, or half of them are of one class.
    """
    known = label >= 0
    w, label, subjects = w[known], label[known], subjects[known]
    halves = halves_of(label, subjects, seed)
    readings = []
    for attacker, more in product(ATTACKERS, (False, True)):
        for scaling in scalings_of(attacker, _SCALINGS):
            predicted = np.empty_like(label)
            for rows, test in halves:
                learned, classes = w[rows], label[rows]
                if more:
                    learned, classes = np.concatenate([learned, seen[0]]), np.concatenate([classes, seen[1]])
                if TABLE[attacker].subsampled:
                    drawn = np.random.default_rng(seed).permutation(len(learned))[:_MOST]
                    learned, classes = learned[drawn], classes[drawn]
                x, x_test = scale_rows(learned, w[test], scaling)
                predicted[test] = attack(attacker, x, classes, x_test, [TABLE[attacker].default], seed)[0]
            readings.append(QuickReading(balanced_accuracy_score(label, predicted), attacker))
    return max(readings)


def halves_of(label: Ints, subjects: Ints, seed: int) -> list[tuple[Ints, Ints]]:
    """Divide samples (N,) by subject: rows of one half, and of the other; raises as `quick_leakage`."""
    halves = list(subject_folds(label, subjects, 2, seed))
    if any(len(np.unique(label[rows])) < 2 for rows, _ in halves):
        raise ValueError("half of the validation subjects are of one class; give more of them")
    return halves
