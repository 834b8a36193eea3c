"""Scale embeddings and compute distances."""

from typing import Literal, get_args

import numpy as np
import torch

from evaluation.samples.arrays import Floats

Scaling = Literal["standardised", "raw", "robust", "unit"]
SCALINGS: tuple[Scaling, ...] = get_args(Scaling)

_TAILS = (0.25, 0.05, 0.01, 0.0)  # quantile ranges from the narrowest; a sparse feature needs a wider one
_CLIP = 6.0  # halves of the quantile range; 4 standard deviations of a normal feature


def scale_rows(train: Floats, test: Floats, scaling: Scaling) -> tuple[Floats, Floats]:
    """Scale both sets by the statistics of the training set.

    No single scaling is safe. A few huge rows hide a leak from standardised features; robust features keep
    it. A length of its own for each row hides it from both; unit rows, which are all that the cosine of
    verification sees, keep it. The results are finite for every finite float32 input.

    Args:
        train: (N, D) of any scale.
        test: (M, D).
        scaling: `standardised`, see `standardise`; `raw`, as they are; `robust`, by the median and a quantile
            range of each feature, clipped, then standardised; or `unit`, rows divided by their Euclidean
            length (rows of zeros stay), then standardised.
    """
    train, test = np.asarray(train, np.float64), np.asarray(test, np.float64)
    if scaling == "raw":
        return train, test
    if scaling == "robust":
        train, test = _clip_to_quantiles(train, test)
    elif scaling == "unit":
        train, test = _unit(train), _unit(test)
    return standardise(train, test)


def _clip_to_quantiles(train: Floats, test: Floats) -> tuple[Floats, Floats]:
    """Divide the distance from the median by half of the quartile range, and clip it to +- 6.

    A feature whose quartiles are equal takes the first of the wider quantile ranges that is not 0.
    """
    low, high = (np.quantile(train, q, axis=0) for q in (_TAILS, [1 - tail for tail in _TAILS]))
    ranges = high - low
    half = np.take_along_axis(ranges, (ranges > 0).argmax(0)[None], 0)[0] / 2
    half, middle = np.where(half > 0, half, 1), np.median(train, axis=0)
    clipped = [np.clip((x - middle) / half, -_CLIP, _CLIP) for x in (train, test)]
    return clipped[0], clipped[1]


def _unit(x: Floats) -> Floats:
    """Divide each row by its length."""
    largest = np.abs(x).max(1, keepdims=True)  # first, as its square may overflow or underflow
    x = x / np.where(largest > 0, largest, 1)
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1)  # a row of zeros stays


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
    kernel = squared_distance(a, b)
    kernel *= -gamma
    torch.from_numpy(kernel).exp_()  # on all threads, as NumPy's is not
    return kernel
