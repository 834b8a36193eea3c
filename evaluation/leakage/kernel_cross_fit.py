"""Cross-fit the kernel probes, which learn many labellings of the same samples at once."""

from collections.abc import Iterator

import numpy as np

from evaluation.probes.kernel_probe import KERNELS, Kernel, KernelProbe
from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.subject_folds import subject_folds


def fold_probes(
    x: Floats, subjects: Ints, kernel: Kernel, folds: int, seed: int
) -> Iterator[tuple[Ints, Ints, KernelProbe]]:
    """Yield training rows, test rows and the probe of each fold; the folds do not depend on any labels.

    Args:
        x: (N, D) embeddings.
        subjects: (N,) subject of each sample; no subject is in both sets.
        kernel: `linear` or `rbf`.
        folds: number of folds.
        seed: seed of the folds.
    """
    for train, test in subject_folds(np.zeros_like(subjects), subjects, folds, seed):
        yield train, test, KernelProbe(x[train], x[test], kernel)


def kernel_predictions(x: Floats, subjects: Ints, labels: Ints, folds: int, seed: int) -> Ints:
    """Predict each sample by probes that learned from the subjects of other folds.

    Args:
        x: (N, D) embeddings.
        subjects: (N,) subject of each sample.
        labels: (B, N) labellings with classes 0, 1, ...
        folds: number of folds.
        seed: seed of the folds.

    Returns:
        (2, B, N) predicted classes, by the probe of each of `KERNELS`.
    """
    predictions = np.zeros((len(KERNELS), *labels.shape), np.int64)
    for predicted, kernel in zip(predictions, KERNELS, strict=True):
        for train, test, probe in fold_probes(x, subjects, kernel, folds, seed):
            predicted[:, test] = probe.predict(labels[:, train])
    return predictions


def balanced_accuracies(prediction: Ints, label: Ints) -> Floats:
    """Compute the mean recall (B,) of the classes that occur, from predictions and labels (B, N)."""
    classes = range(int(label.max()) + 1)
    size = np.stack([(label == c).sum(1) for c in classes])
    hits = np.stack([((prediction == c) & (label == c)).sum(1) for c in classes])
    return np.divide(hits, size, out=np.zeros(size.shape), where=size > 0).sum(0) / (size > 0).sum(0)
