"""Transport and blur: principal components, an affine map of each predicted class, and keyed noise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.erasers.keyed_noise import check_key, embedding_contents, keyed_normal
from evaluation.erasers.router import Router
from evaluation.samples.arrays import Floats, Ints


@dataclass(frozen=True, eq=False)
class Transport:
    """Erase embeddings in principal components, then blur them by noise that a key determines.

    u = x / |x|; v = axes' (u - mean); c = router(u); z = target + maps[c] (v - means[c]);
    w = z / |z| + sigma / sqrt(k) eps, where eps are k standard normal numbers, a function of the key and of
    the content of the sample. The expected length of the noise is thus sigma, that of the signal 1.

    Two photographs of a subject get different noise, so the mean of several photographs is less blurred than
    one. Who has the key can compute the noise and subtract it: what remains is the erasure alone. A router
    holds training embeddings, so the fitted eraser is as sensitive as they are.

    Args:
        mean: (D,) mean of the training embeddings of length 1.
        axes: (D, k) their leading principal directions.
        means: (C, k) mean of each class; C is 1 for LEACE, which needs no router.
        maps: (C, k, k) matrix of each class.
        target: (k,) mean that all classes have afterwards.
        router: predicts the class; None if C is 1.
        sigma: strength of the noise, 0 for none.
        key: 64 hexadecimal digits; None if it is not known, which does for all but the noise.
        not_erased: labels of classes that LEACE left readable, see `Projection`.
    """

    mean: Floats
    axes: Floats
    means: Floats
    maps: Floats
    target: Floats
    router: Router | None
    sigma: float
    key: str | None
    not_erased: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        classes, width = self.means.shape
        shapes = [self.axes.shape, self.maps.shape, self.target.shape]
        if shapes != [(len(self.mean), width), (classes, width, width), (width,)]:
            raise ValueError("the arrays of the transport do not fit one another")
        routed = 1 if self.router is None else self.router.out_bias.shape[-1]
        if routed != classes or (self.router is not None and self.router.center.shape != self.mean.shape):
            raise ValueError("the router does not fit the maps of the transport")
        if not 0 <= self.sigma < np.inf:
            raise ValueError(f"sigma is 0 or more, not {self.sigma}")
        if self.key is not None:
            check_key(self.key)

    def coordinates(self, x: Floats) -> Floats:
        """Compute v, the principal components (N, k) of embeddings (N, D)."""
        return (unit_rows(x) - self.mean) @ self.axes

    def predicted(self, x: Floats) -> Ints:
        """Predict the class (N,) that decides on the map of embeddings (N, D)."""
        return np.zeros(len(x), np.int64) if self.router is None else self.router(unit_rows(x))

    def mapped(self, v: Floats, classes: Ints) -> Floats:
        """Compute z (N, k): apply the maps of `classes` (N,) to components (N, k)."""
        z = np.empty_like(v)
        for c in np.unique(classes):
            z[classes == c] = (v[classes == c] - self.means[c]) @ self.maps[c].T
        return self.target + z

    def __call__(self, x: Floats, contents: Sequence[bytes] | None = None) -> Floats:
        """Erase and blur embeddings.

        Args:
            x: (N, D) embeddings.
            contents: content of each sample, such as the digest of its image file; the noise is a function of
                it. By default the embedding itself, as float32: then an image that is embedded twice with
                different rounding errors gets different noise.

        Returns:
            (N, k) float64, of length 1 before the noise.

        Raises:
            ValueError: the key is needed and not known, or another number of contents.
        """
        x = np.asarray(x, np.float64)
        w = unit_rows(self.mapped(self.coordinates(x), self.predicted(x)))
        if self.sigma == 0:
            return w
        if self.key is None:
            raise ValueError("the noise of this eraser needs its key")
        contents = embedding_contents(x) if contents is None else contents
        if len(contents) != len(x):
            raise ValueError(f"{len(contents)} contents for {len(x)} embeddings")
        width = w.shape[1]
        return w + self.sigma / np.sqrt(width) * keyed_normal(contents, self.key, width)


def unit_rows(x: Floats) -> Floats:
    """Divide each row (N, D) by its length; rows of zeros stay."""
    size = np.abs(x).max(1, keepdims=True)  # first, as its square may overflow or underflow
    x = x / np.where(size > 0, size, 1)
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return x / np.where(length > 0, length, 1)
