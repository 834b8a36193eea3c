"""Map embeddings to two dimensions."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from evaluation.samples.arrays import Floats, Ints

MOST = 2000  # points of a picture


_WIDTH, _PERPLEXITY = 50, 30


def sample_rows(count: int, seed: int = 0, most: int = MOST) -> Ints:
    """At most `most` of `count` samples, drawn at random, in their order: more points hide one another."""
    return np.sort(np.random.default_rng(seed).permutation(count)[:most])


def perplexity(count: int) -> float:
    """Of t-SNE with so many points: 30, with few points a third of them."""
    return min(_PERPLEXITY, (count - 1) / 3)


def tsne_points(embedding: Floats, seed: int = 0) -> Floats:
    """Two dimensions of (n, D) by t-SNE, (n, 2): of the 50 principal components, from the first two of them.

    Which points are neighbours means something; distances between clusters, and their sizes, do not.

    Args:
        embedding: (n, D) of any scale, n at least 4.
        seed: the same seed gives the same picture.

    Raises:
        ValueError: too few embeddings, ones that are not finite, or all the same.
    """
    x = np.asarray(embedding, np.float64)
    if len(x) < 4:
        raise ValueError(f"t-SNE needs 4 embeddings or more, got {len(x)}")
    if not np.isfinite(x).all():
        raise ValueError("embeddings are not finite; the model has diverged")
    if not (spread := np.ptp(x, axis=0).max()):
        raise ValueError("all embeddings are the same; there is nothing to see")
    x = (x - x[0]) / spread  # a representation that collapsed to a tiny scale has neighbours too
    x = PCA(min(_WIDTH, *x.shape), random_state=seed).fit_transform(x)
    return TSNE(perplexity=perplexity(len(x)), init="pca", random_state=seed).fit_transform(x)
