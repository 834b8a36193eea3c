"""Affine projections, the form of most erasers."""

from dataclasses import dataclass

import numpy as np

from evaluation.samples.arrays import Floats, Ints


@dataclass(frozen=True)
class Projection:
    """Affine projection x -> center + (x - center) P; applying it twice changes nothing more.

    Args:
        center: (D,) fixed point, the mean of the training array.
        matrix: (D, D) P.
        not_erased: labels of classes that stay readable, if fewer than classes - 1 directions were removed:
            the other classes' means span theirs already, up to the tolerance of the eraser.
    """

    center: Floats
    matrix: Floats
    not_erased: tuple[int, ...] = ()

    def __call__(self, x: Floats) -> Floats:
        """Erase embeddings (M, D); returns (M, D) float64."""
        return self.center + (np.asarray(x, np.float64) - self.center) @ self.matrix


def known_rows(x: Floats, label: Ints) -> tuple[Floats, Ints]:
    """Select the rows (N', D) float64 of known label, and their labels (N',).

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
    """Compute the deviation (D,) of each feature, 1 where it is constant.

    A feature counts as constant if it varies only by rounding, relative to its own size.
    """
    deviation = np.asarray(x.std(0))
    deviation[deviation <= 1e-12 * np.abs(x).max(0)] = 1
    return deviation


def unerased_classes(x: Floats, label: Ints, matrix: Floats) -> tuple[int, ...]:
    """Find the classes that a projection leaves readable because it removed too few directions.

    The means of C classes span up to C - 1 directions. If fewer were removed, and not all of D, a class is
    unerased if the means of the other classes span all removed directions already.

    Args:
        x: (N, D) centred training embeddings.
        label: (N,) classes.
        matrix: (D, D) the projection.
    """
    classes = np.unique(label)
    rank = round(len(matrix) - np.trace(matrix))  # number of removed directions
    if rank >= min(len(classes) - 1, len(matrix)):
        return ()
    removed = np.stack([x[label == c].mean(0) for c in classes]) @ (np.eye(len(matrix)) - matrix)
    return tuple(int(c) for i, c in enumerate(classes) if _affine_rank(np.delete(removed, i, 0)) >= rank)


def _affine_rank(points: Floats) -> int:
    """Compute the dimension of the affine hull of points (K, D)."""
    return int(np.linalg.matrix_rank(points - points.mean(0), rtol=1e-6)) if len(points) > 1 else 0
