"""Embeddings of unit length whose class only second moments tell, and an eraser that maps each class."""

import numpy as np
from scipy.linalg import sqrtm

from evaluation.samples.labelled_samples import Samples


def unit_embeddings(people: int = 300, images: int = 2, width: int = 16, seed: int = 0) -> Samples:
    """Subjects of two classes; half of the features varies more in one class, the rest in the other."""
    rng = np.random.default_rng(seed)
    subjects = np.repeat(np.arange(people), images)
    label = subjects % 2
    spread = np.where((np.arange(width) < width // 2) == (label[:, None] == 0), 1.6, 1.0)
    place = rng.normal(size=(people, width))[subjects]
    x = spread * (place + 0.5 * rng.normal(size=(len(subjects), width)))
    return Samples(x / np.linalg.norm(x, axis=1, keepdims=True), label, subjects)


class ClassMaps:
    """Move both classes to the normal distribution half way between them, by the optimal maps.

    Args:
        x: (N, D) embeddings to fit.
        label: (N,) classes 0 and 1.
    """

    def __init__(self, x, label):
        self.means = np.stack([x[label == c].mean(0) for c in (0, 1)])
        covariances = [np.cov(x[label == c].T) for c in (0, 1)]
        root, inverse = _roots(covariances[0])
        between = inverse @ sqrtm(root @ covariances[1] @ root).real @ inverse  # from class 0 to class 1
        half = (np.eye(x.shape[1]) + between) / 2
        self.maps = np.stack([half, half @ np.linalg.inv(between)])
        self.target = np.mean(self.means, axis=0)

    def erase(self, x, label, noise=0.0, unit=False, seed=0):
        """Map each row (N, D) by the map of its class, scale to length 1, add noise of a length."""
        moved = np.stack([(x - m) @ a.T + self.target for m, a in zip(self.means, self.maps, strict=True)])
        z = moved[label, np.arange(len(x))]
        z = z / np.linalg.norm(z, axis=1, keepdims=True) if unit else z
        return z + noise / np.sqrt(x.shape[1]) * np.random.default_rng(seed).normal(size=z.shape)

    def coordinates(self, x):
        """The maps take the embeddings as they are."""
        return x


def _roots(covariance):
    root = sqrtm(covariance).real
    return root, np.linalg.inv(root)
