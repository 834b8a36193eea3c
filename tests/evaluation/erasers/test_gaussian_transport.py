"""Optimal transport of Gaussians: closed forms, another implementation, invariances."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from evaluation.erasers.gaussian_transport import barycentre, fit_gaussian_maps, transport_matrix

K = 6


def covariance(seed: int, width: int = K) -> np.ndarray:
    a = np.random.default_rng(seed).normal(size=(3 * width, width))
    return a.T @ a / len(a)


def rotation(seed: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(K, K)))[0]


EQUAL = np.full(2, 0.5)


def test_in_one_dimension_deviations_are_averaged():
    found = fit_gaussian_maps(np.array([[1.0], [4.0]]), np.array([[[4.0]], [[25.0]]]), np.array([0.3, 0.7]))
    deviation = 0.3 * 2 + 0.7 * 5
    np.testing.assert_allclose(found.maps[:, 0, 0], [deviation / 2, deviation / 5])
    np.testing.assert_allclose(found.target, [0.3 * 1 + 0.7 * 4])


def test_roots_of_commuting_covariances_are_averaged():
    basis, values = rotation(0), np.random.default_rng(1).uniform(0.1, 5, (3, K))
    weights = np.array([0.5, 0.2, 0.3])
    covariances = np.stack([basis @ np.diag(v) @ basis.T for v in values])
    expected = basis @ np.diag((weights @ np.sqrt(values)) ** 2) @ basis.T
    np.testing.assert_allclose(barycentre(covariances, weights), expected, atol=1e-10)
    assert np.abs(np.einsum("c,cij->ij", weights, covariances) - expected).max() > 0.1


def test_the_barycentre_of_one_class_is_itself():
    found = fit_gaussian_maps(np.ones((1, K)), covariance(0)[None], np.ones(1))
    np.testing.assert_allclose(found.maps[0], np.eye(K), atol=1e-9)
    np.testing.assert_allclose(found.target, np.ones(K))


def test_the_barycentre_solves_its_equation():
    covariances, weights = np.stack([covariance(s) for s in range(3)]), np.array([0.6, 0.3, 0.1])
    found = barycentre(covariances, weights)
    root = sqrtm(found).real
    mean = sum(w * sqrtm(root @ c @ root).real for w, c in zip(weights, covariances, strict=True))
    np.testing.assert_allclose(mean, found, atol=1e-9)


def test_the_map_is_that_of_scipys_square_roots():
    source, target = covariance(0), covariance(1)
    root = sqrtm(source).real
    expected = np.linalg.inv(root) @ sqrtm(root @ target @ root).real @ np.linalg.inv(root)
    found = transport_matrix(source, target)
    np.testing.assert_allclose(found, expected, atol=1e-9)
    np.testing.assert_allclose(found @ source @ found, target, atol=1e-9)
    cholesky = np.linalg.cholesky(target) @ np.linalg.inv(np.linalg.cholesky(source))  # another transport
    assert np.trace(cholesky @ source) < np.trace(found @ source) - 1e-3, "the optimal one moves less"


def test_a_rotation_of_the_classes_rotates_the_maps():
    turn, covariances = rotation(3), np.stack([covariance(0), covariance(1)])
    here = fit_gaussian_maps(np.eye(K)[:2], covariances, EQUAL)
    there = fit_gaussian_maps(np.eye(K)[:2] @ turn.T, turn @ covariances @ turn.T, EQUAL)
    np.testing.assert_allclose(there.maps, turn @ here.maps @ turn.T, atol=1e-9)
    np.testing.assert_allclose(there.target, turn @ here.target, atol=1e-12)


def test_the_order_of_the_classes_does_not_matter():
    means = np.random.default_rng(0).normal(size=(3, K))
    covariances, weights = np.stack([covariance(s) for s in range(3)]), np.array([0.6, 0.3, 0.1])
    order = [2, 0, 1]
    here = fit_gaussian_maps(means, covariances, weights)
    there = fit_gaussian_maps(means[order], covariances[order], weights[order])
    np.testing.assert_allclose(there.maps, here.maps[order], atol=1e-10)
    np.testing.assert_allclose(there.target, here.target)


def test_a_class_without_variance_in_a_direction_is_refused():
    flat = np.diag([1.0, 1, 1, 1, 1, 0])
    with pytest.raises(ValueError, match="covariance of a class is singular"):
        fit_gaussian_maps(np.zeros((2, K)), np.stack([flat, np.eye(K)]), EQUAL)
