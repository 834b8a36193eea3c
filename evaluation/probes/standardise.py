"""Standardise features and compute distances."""

import numpy as np

from evaluation.samples.arrays import Floats


def standardise(train: Floats, test: Floats) -> tuple[Floats, Floats]:
    """Scale both sets to zero mean and unit deviation in each feature of the training set.

    Without this, a representation that collapsed to a tiny scale looks blind to many classifiers. A feature
    that is constant in the training set becomes 0 in both sets: no probe could have learned from it.

    Args:
        train: (N, D) of any scale.
        test: (M, D).
    """
    train, test = np.asarray(train, np.float64), np.asarray(test, np.float64)
    low, extent = train.min(0), np.ptp(train, 0)
    varies = extent > 0
    # to [0, 1] first, where neither the mean of a constant rounds nor the square of a tiny spread underflows
    unit = 1 / np.where(varies, extent, 1)
    train, test = ((x - low) * unit * varies for x in (train, test))
    mean, deviation = train.mean(0), np.where(varies, train.std(0), 1)
    return (train - mean) / deviation, (test - mean) / deviation


def squared_distance(a: Floats, b: Floats) -> Floats:
    """Compute |a_i - b_j|^2, (N, M), by one matrix product of (N, D) and (M, D)."""
    distance = (a * a).sum(1)[:, None] + (b * b).sum(1)
    distance -= 2 * a @ b.T
    return np.maximum(distance, 0, out=distance)


def rbf_kernel(a: Floats, b: Floats, gamma: float) -> Floats:
    """Compute exp(-gamma |a_i - b_j|^2), (N, M), of (N, D) and (M, D)."""
    distance = squared_distance(a, b)
    return np.exp(-gamma * distance, out=distance)
