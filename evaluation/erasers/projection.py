"""Affine projections, which most erasers fit."""

from dataclasses import dataclass

import numpy as np

from evaluation.samples.arrays import Floats, Ints


@dataclass(frozen=True)
class Projection:
    """Affine projection x -> center + (x - center) P; twice is once.

    Args:
        center: (D,) the point that stays, the mean of the training array.
        matrix: (D, D) P.
        not_erased: labels of the classes that take part if fewer directions went than classes - 1: each has
            a mean that the other classes' means span already, to the tolerance of the eraser.
    """

    center: Floats
    matrix: Floats
    not_erased: tuple[int, ...] = ()

    def __call__(self, x: Floats) -> Floats:
        """The erased embeddings (M, D) float64 of embeddings (M, D)."""
        return self.center + (np.asarray(x, np.float64) - self.center) @ self.matrix


def known_rows(x: Floats, label: Ints) -> tuple[Floats, Ints]:
    """The rows (N', D) float64 whose label is known, and their labels (N',).

    Raises:
        ValueError: the shapes differ, an embedding is not finite, or fewer than two classes are known.
    """
    x, label = np.asarray(x, np.float64), np.asarray(label)
    if x.ndim != 2 or label.shape != x.shape[:1]:
        raise ValueError(f"x must be (N, D) and label (N,), got {x.shape} and {label.shape}")
    x, label = x[label >= 0], label[label >= 0]
    if not np.isfinite(x).all():
        raise ValueError("some embeddings are not finite; the model has diverged")
    if len(np.unique(label)) < 2:
        raise ValueError("an attribute of which fewer than two classes are known cannot be erased")
    return x, label


def feature_deviation(x: Floats) -> Floats:
    """The deviation (D,) of each feature, 1 where it is constant, which has nothing to read.

    What is constant but for rounding is judged by the feature's own size, whatever the unit of the others.
    """
    deviation = np.asarray(x.std(0))
    deviation[deviation <= 1e-12 * np.abs(x).max(0)] = 1
    return deviation


def unerased_classes(x: Floats, label: Ints, matrix: Floats) -> tuple[int, ...]:
    """Find the classes that a projection leaves readable because it removed too few directions.

    C classes have means that span up to C - 1 directions. Where fewer went, and fewer than all, a class is
    unerased if the means of the others span all that went already.

    Args:
        x: (N, D) centred training embeddings.
        label: (N,) classes.
        matrix: (D, D) the projection.
    """
    classes = np.unique(label)
    rank = round(len(matrix) - np.trace(matrix))  # of the part that went
    if rank >= min(len(classes) - 1, len(matrix)):
        return ()
    went = np.stack([x[label == c].mean(0) for c in classes]) @ (np.eye(len(matrix)) - matrix)
    return tuple(int(c) for i, c in enumerate(classes) if _affine_rank(np.delete(went, i, 0)) >= rank)


def _affine_rank(points: Floats) -> int:
    """The dimension of the smallest flat that holds the points (K, D)."""
    return int(np.linalg.matrix_rank(points - points.mean(0), rtol=1e-6)) if len(points) > 1 else 0
