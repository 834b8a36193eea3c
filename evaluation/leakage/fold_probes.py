"""Closed-form probes of all folds, which read many labellings of the same samples."""

from collections.abc import Sequence
from itertools import product

import numpy as np

from evaluation.probes.kernel_probe import KERNELS, KernelProbe
from evaluation.probes.standardise import Scaling
from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.subject_folds import subject_folds

SCALINGS: tuple[Scaling, ...] = ("standardised", "robust", "unit")
PROBES = tuple(product(KERNELS, SCALINGS))
"""Kernel and scaling of each probe; in tables the attackers `kernel_linear` and `kernel_rbf`."""


Split = tuple[Ints, Ints]
"""Rows to learn from and rows to predict, of different subjects."""


def splits_of(subjects: Ints, folds: int, seed: int, tested: int | None = None) -> list[Split]:
    """Divide samples into folds by subject, whatever their labels.

    Args:
        subjects: (N,) subject of each sample.
        folds: number of folds of the subjects.
        seed: seed of the folds.
        tested: number of samples that are predicted; the others, of other subjects, are learned from in every
            fold. None predicts all.
    """
    tested = len(subjects) if tested is None else tested
    known, others = subjects[:tested], np.arange(tested, len(subjects))
    found = subject_folds(np.zeros_like(known), known, folds, seed)
    return [(np.concatenate([train, others]), test) for train, test in found]


class FoldProbes:
    """Predict samples by probes that have not learned from their subjects; 0 for those that are never tested.

    The probes do not depend on the labels.

    Args:
        x: (N, D) embeddings.
        splits: see `splits_of`.
    """

    def __init__(self, x: Floats, splits: Sequence[Split]) -> None:
        self._splits = splits
        self._probes = [
            [KernelProbe(x[train], x[test], kernel, scaling) for kernel, scaling in PROBES]
            for train, test in self._splits
        ]

    def predict(self, labels: Ints) -> Ints:
        """Predict the classes of all samples, (probes, B, N), under each of B labellings (B, N)."""
        found = np.zeros((len(PROBES), *labels.shape), np.int64)
        for (train, test), probes in zip(self._splits, self._probes, strict=True):
            for place, probe in enumerate(probes):
                found[place][:, test] = probe.predict(labels[:, train])
        return found

    def scores(self, label: Ints) -> Floats:
        """Score the C classes of labels (N,) for all samples, (probes, C, N), the highest is predicted."""
        found = np.zeros((len(PROBES), int(label.max()) + 1, len(label)))
        for (train, test), probes in zip(self._splits, self._probes, strict=True):
            for place, probe in enumerate(probes):
                scores = probe.scores(label[None, train])[:, 0]
                found[place, : len(scores), test] = scores.T
                found[place, len(scores) :, test] = -np.inf
        return found

    def ranked(self, place: int, labels: Ints) -> tuple[Ints, Floats]:
        """Predict by one of `PROBES`, and rank the margin between the two highest scores within each fold.

        Returns:
            Predicted classes and ranks in (0, 1], both (B, N); the surest sample of a fold has rank 1.
        """
        prediction, rank = np.zeros_like(labels), np.zeros(labels.shape)
        for (train, test), probes in zip(self._splits, self._probes, strict=True):
            scores = probes[place].scores(labels[:, train])
            prediction[:, test] = scores.argmax(0)
            second, first = np.sort(scores, axis=0)[-2:]
            rank[:, test] = ((first - second).argsort(1).argsort(1) + 1) / len(test)
        return prediction, rank


def balanced_accuracy(prediction: Ints, label: Ints) -> Floats:
    """Compute the mean recall (B,) of the classes that occur.

    Args:
        prediction: (B, N) predicted classes.
        label: (B, N) classes, or (N,) for the same in all rows; no row lacks a class that another has.
    """
    found = []
    for c in np.unique(label):
        inside = label == c
        found.append(((prediction == c) & inside).sum(-1) / inside.sum(-1))
    return np.mean(found, axis=0)
