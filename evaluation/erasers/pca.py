"""Baseline eraser: keep the leading principal components."""

import numpy as np

from evaluation.erasers.projection import Projection
from evaluation.samples.arrays import Floats


def fit_pca(x: Floats, components: int) -> Projection:
    """Fit the baseline that keeps the leading principal components, with what they contain of an attribute.

    Args:
        x: (N, D) training embeddings.
        components: number of components to keep, of D.

    Raises:
        ValueError: `components` is not between 1 and the smaller of N and D.
    """
    x = np.asarray(x, np.float64)
    if not 1 <= components <= min(x.shape):
        raise ValueError(f"components must be 1 to {min(x.shape)}, not {components}")
    center = x.mean(0)
    _, _, directions = np.linalg.svd(x - center, full_matrices=False)
    kept = directions[:components]
    return Projection(center, kept.T @ kept)
