"""Erasers: what takes an attribute out of embeddings after training, fitted on one array, applied to any."""

from dataclasses import dataclass

import numpy as np
import torch
from concept_erasure import LeaceFitter  # it ships no types
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


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


@dataclass(frozen=True)
class Noise:
    """Gaussian noise, the same on every call with arrays of one shape.

    Args:
        deviation: (D,) of the noise in each feature.
        seed: of the noise.
    """

    deviation: Floats
    seed: int

    def __call__(self, x: Floats) -> Floats:
        """The blurred embeddings (M, D) float64 of embeddings (M, D)."""
        x = np.asarray(x, np.float64)
        return x + np.random.default_rng(self.seed).standard_normal(x.shape) * self.deviation


def fit_leace(x: Floats, label: Ints, *, svd_tol: float = 1e-6, shrinkage: bool = True) -> Projection:
    """LEACE (Belrose et al., NeurIPS 2023): the least change after which no linear probe can read a label.

    r(x) = x - W^+ U U^T W (x - mean), with W = Sigma_xx^(-1/2) and U the left singular vectors of
    W Sigma_xz. The label is always one-hot, or a class in the middle would stay linearly readable.
    (The package's `constrain_cov_trace` is off: this projection cannot increase the trace, but the mixture
    that the option falls back to is not a projection.)

    Features and classes are scaled to unit deviation, so that Sigma_xz holds correlations. Neither scale
    changes the projection (U spans the same space), but both decide what counts as 0. The deviation of a
    class of share p is sqrt(p (1 - p)): unscaled, a class of 1 in 1,000 would have to be 16 times as far away
    as one of a half. A correlation estimated from N samples is uncertain by 1 / sqrt(N), so that the default
    tolerance leaves only what is 0 but for rounding: to erase a direction that is noise costs one of D, to
    leave one that is not keeps the class readable.

    Args:
        x: (N, D) training embeddings.
        label: (N,) classes, -1 where unknown; such rows are left out.
        svd_tol: singular values of W Sigma_xz, canonical correlations if the classes are as large, up to this
            count as 0.
        shrinkage: estimate Sigma_xx by linear shrinkage, as the package does unless told otherwise.

    Raises:
        ValueError: see `known_rows`, or a tolerance that is not above 0.
    """
    if not svd_tol > 0:
        raise ValueError(f"svd_tol must be above 0, not {svd_tol}")
    x, label = known_rows(x, label)
    center, deviation = x.mean(0), _deviation(x)
    unit = (x - center) / deviation
    classes, counts = np.unique(label, return_counts=True)
    share = counts / len(label)
    one_hot = (label[:, None] == classes) / np.sqrt(share * (1 - share))
    fitter = LeaceFitter.fit(
        torch.from_numpy(unit),
        torch.from_numpy(one_hot),
        svd_tol=svd_tol,
        shrinkage=shrinkage,
        constrain_cov_trace=False,
    )
    matrix = fitter.eraser.P.numpy().T
    rank = round(len(matrix) - np.trace(matrix))  # of the part that went, an oblique projection
    dependent: tuple[int, ...] = ()
    if rank < min(len(classes) - 1, len(matrix)):  # with as many classes as that, everything went
        means = np.stack([unit[label == c].mean(0) for c in classes])
        read = means @ fitter.eraser.proj_right.numpy().T
        dependent = tuple(
            int(c) for i, c in enumerate(classes) if _affine_rank(np.delete(read, i, 0)) >= rank
        )
    return Projection(center, matrix / deviation[:, None] * deviation, dependent)


def fit_inlp(x: Floats, label: Ints, *, iterations: int = 20, penalty: float = 1.0) -> Projection:
    """Iterative null-space projection (Ravfogel et al., ACL 2020), with logistic regression.

    Each round fits a classifier that weighs the classes evenly, and removes the directions that it reads. It
    ends early when the classifier recalls the classes of the training array no better than chance. Since it
    over-fits, that can cost most directions of a small array; `iterations` limits it. Directions are
    orthogonal among features of unit deviation, so no feature's unit matters. Deterministic.

    Args:
        x: (N, D) training embeddings.
        label: (N,) classes, -1 where unknown; such rows are left out.
        iterations: most rounds, each of which removes up to as many directions as there are classes.
        penalty: inverse strength of the L2 penalty (scikit-learn's C).

    Raises:
        ValueError: see `known_rows`.
    """
    x, label = known_rows(x, label)
    center, deviation = x.mean(0), _deviation(x)
    unit = (x - center) / deviation
    classes = np.unique(label)
    matrix = np.eye(x.shape[1])
    for _ in range(iterations):
        seen = unit @ matrix
        probe = LogisticRegression(C=penalty, class_weight="balanced", max_iter=1000).fit(seen, label)
        recall = np.mean([(probe.predict(seen[label == c]) == c).mean() for c in classes])
        if recall <= 1 / len(classes):
            break
        read = probe.coef_ @ matrix  # the penalty keeps weights where data are, but for rounding
        _, size, directions = np.linalg.svd(read, full_matrices=False)
        directions = directions[size > 1e-6 * size[0]]
        matrix = matrix - matrix @ directions.T @ directions
        matrix = (matrix + matrix.T) / 2
    return Projection(center, matrix / deviation[:, None] * deviation)


def fit_pca(x: Floats, components: int) -> Projection:
    """Baseline: keep the leading principal components, and whatever of an attribute they hold.

    Args:
        x: (N, D) training embeddings.
        components: how many of the D.

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


def fit_noise(x: Floats, strength: float, *, seed: int = 0) -> Noise:
    """Baseline: blur every feature by Gaussian noise.

    Args:
        x: (N, D) training embeddings.
        strength: deviation of the noise, in deviations of the feature over `x`.
        seed: of the noise.

    Raises:
        ValueError: a negative strength.
    """
    if strength < 0:
        raise ValueError(f"strength is a number of deviations, 0 or more, not {strength}")
    return Noise(strength * np.asarray(x, np.float64).std(0), seed)


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


def _deviation(x: Floats) -> Floats:
    """The deviation (D,) of each feature, 1 where it is constant, which has nothing to read.

    What is constant but for rounding is judged by the feature's own size, whatever the unit of the others.
    """
    deviation = np.asarray(x.std(0))
    deviation[deviation <= 1e-12 * np.abs(x).max(0)] = 1
    return deviation


def _affine_rank(points: Floats) -> int:
    """The dimension of the smallest flat that holds the points (K, D)."""
    return int(np.linalg.matrix_rank(points - points.mean(0), rtol=1e-6)) if len(points) > 1 else 0
