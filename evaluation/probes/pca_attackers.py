"""Attackers on whitened principal components: quadratic discriminant, RBF-SVM, and the average of both.

Erasers that move means leave second moments, which a quadratic discriminant reads directly. A network or SVM
may also overlook among hundreds of features what it reads from a few components.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.linalg import cho_solve, cholesky, eigh
from sklearn.svm import SVC

from evaluation.probes.attacker_table import Setting
from evaluation.probes.standardise import rbf_kernel
from evaluation.samples.arrays import Floats, Ints

_SHRINKAGE = 0.3  # of the discriminant that `average` uses
_KERNEL_ROWS = 4096  # test samples at once, so that memory does not grow with the test set
_LEAST = 1e-10  # variance of a component that is kept, as a share of the largest


def whitened_components(train: Floats, test: Floats, count: int) -> tuple[Floats, Floats]:
    """Project both sets to the principal components of the training set, and divide by their deviations.

    Args:
        train: (N, D) of any scale.
        test: (M, D).
        count: most components; those of next to no variance are left out.

    Returns:
        (N, K) and (M, K), K at least 1, the largest component first.
    """
    centre = train.mean(0)
    train, test = train - centre, test - centre
    largest = np.abs(train).max() or 1.0  # first, as its square may overflow or underflow
    train, test = train / largest, test / largest
    width = train.shape[1]
    first = max(width - count, 0)
    variance, axes = eigh(train.T @ train / (len(train) - 1), subset_by_index=(first, width - 1))
    variance, axes = variance[::-1], axes[:, ::-1]
    kept = max(1, int((variance > _LEAST * variance[0]).sum()))
    axes = axes[:, :kept] / np.sqrt(np.maximum(variance[:kept], np.finfo(float).tiny))
    return train @ axes, test @ axes


def qda(train: Floats, label: Ints, test: Floats, settings: Sequence[Setting], seed: int) -> list[Ints]:
    """Predict by quadratic discriminants with shrunken covariances of the classes."""
    return _predict(train, test, settings, lambda x, y, one: discriminant(x, label, y, one["shrinkage"]))


def svm_pca(train: Floats, label: Ints, test: Floats, settings: Sequence[Setting], seed: int) -> list[Ints]:
    """Predict by RBF-SVMs with gamma 1 / components."""
    return _predict(train, test, settings, lambda x, y, one: _svm_scores(x, label, y, one["C"]))


def average(train: Floats, label: Ints, test: Floats, settings: Sequence[Setting], seed: int) -> list[Ints]:
    """Predict by the sum of the scores of both, each divided by its deviation over the test set."""

    def total(x: Floats, y: Floats, setting: Setting) -> Floats:
        scores = [discriminant(x, label, y, _SHRINKAGE), _svm_scores(x, label, y, setting["C"])]
        present = np.isfinite(scores[0][0])  # classes that were learned from
        found = np.full(scores[0].shape, -np.inf)
        found[:, present] = sum(_standardised(score[:, present]) for score in scores)
        return found

    return _predict(train, test, settings, total)


def _predict(
    train: Floats,
    test: Floats,
    settings: Sequence[Setting],
    score: Callable[[Floats, Floats, Setting], Floats],
) -> list[Ints]:
    """Predict the class of the highest score from the components of each setting."""
    counts = [int(setting["components"]) for setting in settings]
    x, y = whitened_components(train, test, max(counts))
    return [score(x[:, :k], y[:, :k], one).argmax(1) for k, one in zip(counts, settings, strict=True)]


def discriminant(x: Floats, label: Ints, x_test: Floats, shrinkage: float) -> Floats:
    """Compute log densities (M, C) of the classes, each with a normal distribution of its own.

    The covariance of a class is shrunk towards the identity, that of all samples together. A class without
    samples gets minus infinity.
    """
    scores = np.full((len(x_test), int(label.max()) + 1), -np.inf)
    for c in np.unique(label):
        inside = x[label == c]
        centre = inside.mean(0)
        covariance = (1 - shrinkage) * (inside - centre).T @ (inside - centre) / max(len(inside) - 1, 1)
        covariance[np.diag_indices_from(covariance)] += shrinkage
        factor = cholesky(covariance, lower=True)
        away = (x_test - centre).T
        distance = (away * cho_solve((factor, True), away)).sum(0)
        scores[:, c] = -distance / 2 - np.log(np.diag(factor)).sum()
    return scores


def _svm_scores(x: Floats, label: Ints, x_test: Floats, c: float) -> Floats:
    """Compute the scores (M, C) of an SVM, one class against the rest; minus infinity without samples."""
    gamma = 1 / x.shape[1]
    probe = SVC(C=c, kernel="precomputed", class_weight="balanced").fit(rbf_kernel(x, x, gamma), label)
    blocks = np.array_split(x_test, 1 + len(x_test) // _KERNEL_ROWS)
    score = np.concatenate([probe.decision_function(rbf_kernel(block, x, gamma)) for block in blocks])
    scores = np.full((len(x_test), int(label.max()) + 1), -np.inf)
    scores[:, probe.classes_] = np.stack([-score, score], 1) if score.ndim == 1 else score
    return scores


def _standardised(score: Floats) -> Floats:
    centred = score - score.mean(1, keepdims=True)
    return centred / (centred.std() or 1.0)
