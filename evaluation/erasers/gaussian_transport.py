"""Optimal transport between Gaussians: the affine maps of several classes to their barycentre."""

from typing import NamedTuple

import numpy as np

from evaluation.samples.arrays import Floats

_ITERATIONS = 30


class GaussianMaps(NamedTuple):
    """Affine maps of C classes, x -> target + maps[c] (x - means[c])."""

    means: Floats
    """(C, k) means of the classes."""
    maps: Floats
    """(C, k, k) symmetric matrices."""
    target: Floats
    """(k,) mean that all classes have afterwards."""


def fit_gaussian_maps(means: Floats, covariances: Floats, weights: Floats) -> GaussianMaps:
    """Map Gaussians to their barycentre in the 2-Wasserstein distance.

    The map of a class, A = S_c^(-1/2) (S_c^(1/2) S S_c^(1/2))^(1/2) S_c^(-1/2), is the optimal transport of
    its Gaussian to the barycentre, of covariance S; afterwards mean and covariance are the same for all
    classes, exactly.

    Args:
        means: (C, k).
        covariances: (C, k, k), positive definite.
        weights: (C,) of the classes in the barycentre, positive, with sum 1.

    Raises:
        ValueError: a covariance is not positive definite.
    """
    covariance = barycentre(covariances, weights)
    maps = np.stack([transport_matrix(c, covariance) for c in covariances])
    return GaussianMaps(means, maps, weights @ means)


def barycentre(covariances: Floats, weights: Floats) -> Floats:
    """Compute the covariance (k, k) of the barycentre of Gaussians, by a fixed-point iteration.

    S <- S^(-1/2) [sum_c w_c (S^(1/2) S_c S^(1/2))^(1/2)]^2 S^(-1/2) (Alvarez-Esteban et al., Journal of
    Mathematical Analysis and Applications 441, 2016), from the weighted mean of the covariances.

    Args:
        covariances: (C, k, k), positive definite.
        weights: (C,) positive, with sum 1.

    Raises:
        ValueError: a covariance is not positive definite.
    """
    found = np.einsum("c,cij->ij", weights, covariances)
    for _ in range(_ITERATIONS):
        root, inverse = _roots(found)
        mean = np.einsum("c,cij->ij", weights, np.stack([_roots(root @ c @ root)[0] for c in covariances]))
        found = inverse @ mean @ mean @ inverse
        found = (found + found.T) / 2
    return found


def transport_matrix(source: Floats, target: Floats) -> Floats:
    """Compute the symmetric matrix (k, k) that maps a centred Gaussian to another at the least mean distance.

    Args:
        source: (k, k) covariance of the Gaussian that is mapped, positive definite.
        target: (k, k) covariance that it is to have.

    Raises:
        ValueError: `source` is not positive definite.
    """
    root, inverse = _roots(source)
    found = inverse @ _roots(root @ target @ root)[0] @ inverse
    return (found + found.T) / 2


def _roots(matrix: Floats) -> tuple[Floats, Floats]:
    """Compute the square root of a covariance and its inverse."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    if not values[0] > 1e-12 * values[-1]:
        raise ValueError("the covariance of a class is singular: too few samples, or features that repeat")
    root = np.sqrt(values)
    return (vectors * root) @ vectors.T, (vectors / root) @ vectors.T
