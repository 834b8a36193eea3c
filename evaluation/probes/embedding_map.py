"""Map embeddings to two dimensions."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from evaluation.samples.arrays import Floats, Ints

MAX_POINTS = 2000  # of a picture: more points hide one another
COMPONENTS = 50  # principal components that t-SNE starts from
_PERPLEXITY = 30


def sample_rows(count: int, seed: int = 0, most: int = MAX_POINTS) -> Ints:
    """Draw at most `most` of `count` rows at random, in ascending order."""
    return np.sort(np.random.default_rng(seed).permutation(count)[:most])


def perplexity(count: int) -> float:
    """Choose the perplexity of t-SNE: 30, or a third of the points if there are few."""
    return min(_PERPLEXITY, (count - 1) / 3)


def tsne_points(embedding: Floats, seed: int = 0) -> Floats:
    """Map embeddings (n, D) to (n, 2) by t-SNE on 50 principal components, initialised by the first two.

    Neighbourhoods are meaningful; the sizes of clusters and the distances between them are not.

    Args:
        embedding: (n, D) of any scale, n at least 4.
        seed: the same seed gives the same map.

    Raises:
        ValueError: too few embeddings, or embeddings that are not finite or all the same.
    """
    x = np.asarray(embedding, np.float64)
    if len(x) < 4:
        raise ValueError(f"t-SNE needs 4 embeddings or more, got {len(x)}")
    if not np.isfinite(x).all():
        raise ValueError("embeddings are not finite; the model has diverged")
    if not (spread := np.ptp(x, axis=0).max()):
        raise ValueError("all embeddings are the same; there is nothing to see")
    x = (x - x[0]) / spread  # a representation that collapsed to a tiny scale has neighbours too
    x = PCA(min(COMPONENTS, *x.shape), random_state=seed).fit_transform(x)
    return TSNE(perplexity=perplexity(len(x)), init="pca", random_state=seed).fit_transform(x)
