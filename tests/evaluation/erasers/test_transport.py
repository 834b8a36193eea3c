"""Transport and blur: equal moments, out-of-fold routes, several classes, unknown labels, keyed noise."""

from dataclasses import replace

import numpy as np
import pytest

from evaluation.erasers.leace import fit_leace
from evaluation.erasers.router import fit_router
from evaluation.erasers.transport import Transport, unit_rows
from evaluation.erasers.transport_fit import class_maps, fit_transport, labelled_rows, principal_axes

N, D, K = 600, 12, 4
KEY = "11" * 32
FAST = {"components": K, "steps": 20, "key": KEY}


def data(classes: int = 2, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Classes that differ in mean and spread, two samples a subject."""
    rng = np.random.default_rng(seed)
    subjects = np.arange(N) // 2
    label = rng.integers(classes, size=N // 2)[subjects]
    spread = rng.uniform(0.3, 3, size=(classes, D))
    return rng.normal(size=(N, D)) * spread[label] + np.eye(classes, D)[label], label, subjects


def moments(z: np.ndarray, label: np.ndarray) -> list[np.ndarray]:
    parts = [z[label == c] for c in np.unique(label)]
    return [np.stack([p.mean(0) for p in parts]), np.stack([np.cov(p.T) for p in parts])]


@pytest.fixture(scope="module")
def fitted() -> Transport:
    return fit_transport(*data(), **FAST)


@pytest.mark.parametrize("classes", [2, 3])
def test_oracle_routes_make_the_moments_of_classes_equal(classes):
    x, label, _ = data(classes)
    mean, axes = principal_axes(x, K)
    v = (unit_rows(x) - mean) @ axes
    means, maps, target = class_maps(v, label, np.arange(classes))
    z = target + np.einsum("nij,nj->ni", maps[label], v - means[label])
    for before, after in zip(moments(v, label), moments(z, label), strict=True):
        assert np.abs(before - before[0]).max() > 1e-2
        np.testing.assert_allclose(after, np.broadcast_to(after[0], after.shape), atol=1e-8)


def test_moments_of_predicted_classes_are_equal(fitted):
    x, label, _ = data()
    predicted = fitted.predicted(x)
    assert 0 < (predicted != label).mean() < 0.4
    _, covariances = moments(fitted.mapped(fitted.coordinates(x), predicted), predicted)
    np.testing.assert_allclose(covariances[0], covariances[1], atol=1e-8)


def test_it_is_unit_signal_plus_noise_of_length_sigma(fitted):
    x, *_ = data()
    signal, noisy = replace(fitted, sigma=0)(x), replace(fitted, sigma=0.5)(x)
    assert signal.shape == (N, K)
    np.testing.assert_allclose(np.linalg.norm(signal, axis=1), 1)
    assert np.sqrt(np.square(noisy - signal).sum(1).mean()) == pytest.approx(0.5, rel=0.05)
    z = fitted.mapped(fitted.coordinates(x), fitted.predicted(x))
    np.testing.assert_allclose(signal, unit_rows(z))
    np.testing.assert_allclose(fitted(7 * x), fitted(x) - noisy + replace(fitted, sigma=0.5)(7 * x))


def test_noise_follows_key_and_content_not_the_batch(fitted):
    x, *_ = data()
    some = [5, 3, 100]
    np.testing.assert_allclose(fitted(x[some]), fitted(x)[some], atol=1e-12)
    other = replace(fitted, key="22" * 32)
    assert np.abs(other(x) - fitted(x)).max() > 0.1
    files = [f"file {row % 2}".encode() for row in range(N)]
    noise = fitted(x, files) - replace(fitted, sigma=0)(x)
    np.testing.assert_allclose(noise[0], noise[2], atol=1e-12)
    assert np.abs(noise[0] - noise[1]).max() > 0.01
    with pytest.raises(ValueError, match="1 contents for 600 embeddings"):
        fitted(x, files[:1])


def test_no_rows_and_rows_of_zeros_are_erased(fitted):
    assert fitted(np.zeros((0, D))).shape == (0, K)
    zeros = fitted(np.zeros((1, D)))
    assert np.isfinite(zeros).all()
    np.testing.assert_allclose(np.linalg.norm(replace(fitted, sigma=0)(np.zeros((1, D)))), 1)


def test_without_its_key_all_but_the_noise_is_there(fitted):
    x, *_ = data()
    keyless = replace(fitted, key=None)
    with pytest.raises(ValueError, match="needs its key"):
        keyless(x)
    np.testing.assert_array_equal(replace(keyless, sigma=0)(x), replace(fitted, sigma=0)(x))


@pytest.mark.slow
def test_training_subjects_are_routed_out_of_fold():
    rng = np.random.default_rng(0)
    u, label, subjects = unit_rows(rng.normal(size=(200, 30))), np.arange(200) % 2, np.arange(200) // 2
    router = fit_router(u, label, subjects, steps=60)
    assert (router(u) == label).mean() < 0.65, "labels are random, so unseen subjects are routed by chance"
    assert (router(u * (1 + 1e-3)) == label).mean() > 0.9, "the mean of the folds has learned them"
    for subject in range(100):
        assert len(set(router.folds[subjects == subject])) == 1
    for place, weights in enumerate(router.weights):
        assert (weights[router.folds == place] == 0).all()
        assert (weights[router.folds != place] != 0).any(1).all()


def test_a_router_of_a_subsample_still_routes_all_out_of_fold():
    x, label, subjects = data()
    router = fit_router(unit_rows(x), label, subjects, steps=20, max_points=100)
    assert router.points.shape == (100, D)
    assert router.digests.shape == (N, 16)
    assert (router(unit_rows(x)) == label).mean() > 0.7


def test_the_ridge_is_weighted_least_squares_in_the_kernel():
    x, label, subjects = data(3)
    router = fit_router(unit_rows(x), label, subjects, steps=1)
    rows = router.folds != 0
    points = router.points[rows].astype(float)
    kernel = np.exp(-np.square(points[:, None] - points).sum(2) / D)
    target = 2.0 * np.eye(3)[label[rows]] - 2 / 3
    share = (1 / np.bincount(label[rows]))[label[rows]] * rows.sum() / 3
    gradient = share[:, None] * (kernel @ router.weights[0][rows] - target) + router.weights[0][rows]
    np.testing.assert_allclose(gradient, 0, atol=1e-8)


@pytest.mark.slow
def test_several_classes_are_routed():
    x, label, subjects = data(3)
    eraser = fit_transport(x, label, subjects, **(FAST | {"steps": 60}))
    assert eraser.maps.shape == (3, K, K)
    assert (eraser.predicted(x) == label).mean() > 0.6
    _, covariances = moments(eraser.mapped(eraser.coordinates(x), eraser.predicted(x)), eraser.predicted(x))
    np.testing.assert_allclose(covariances[0], covariances[2], atol=1e-8)


def test_rows_of_unknown_class_decide_on_the_components_alone():
    x, label, subjects = data()
    some = np.where(np.arange(N) % 3 == 0, -1, label)
    eraser = fit_transport(x, some, subjects, **FAST)
    mean, axes = principal_axes(x, K)
    np.testing.assert_allclose(eraser.axes, axes)
    known = labelled_rows(x, some, subjects)
    router = fit_router(known.unit, known.label, known.subjects, steps=20)
    expected = class_maps((known.unit - mean) @ axes, router(known.unit), np.arange(2))
    np.testing.assert_allclose(eraser.maps, expected.maps)
    np.testing.assert_allclose(eraser.means, expected.means)


@pytest.mark.slow
def test_the_labels_of_the_classes_do_not_matter():
    x, label, subjects = data(3)
    here = fit_transport(x, label, subjects, **FAST)
    there = fit_transport(x, np.array([2, 5, 9])[label], subjects, **FAST)
    np.testing.assert_array_equal(here(x), there(x))


def test_leace_needs_no_router():
    x, label, subjects = data()
    eraser = fit_transport(x, label, subjects, erasure="leace", sigma=0, **FAST)
    assert eraser.router is None
    v = eraser.coordinates(x)
    np.testing.assert_allclose(eraser(x), unit_rows(fit_leace(v, label)(v)), atol=1e-10)
    z = eraser.mapped(v, eraser.predicted(x))
    np.testing.assert_allclose(z[label == 0].mean(0), z[label == 1].mean(0), atol=1e-10)


def test_components_are_the_leading_of_unit_rows():
    x, *_ = data()
    mean, axes = principal_axes(x, K)
    centred = unit_rows(x) - unit_rows(x).mean(0)
    _, size, _ = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(axes.T @ axes, np.eye(K), atol=1e-10)
    np.testing.assert_allclose(np.linalg.norm((unit_rows(x) - mean) @ axes, axis=0), size[:K])


def test_a_rotation_of_the_embeddings_changes_no_cosine():
    x, label, subjects = data()
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(D, D)))[0]
    found = []
    for embedding in (x, x @ turn):
        mean, axes = principal_axes(embedding, K)
        v = (unit_rows(embedding) - mean) @ axes
        means, maps, target = class_maps(v, label, np.arange(2))
        z = unit_rows(target + np.einsum("nij,nj->ni", maps[label], v - means[label]))
        found.append(z @ z.T)
    np.testing.assert_allclose(found[0], found[1], atol=1e-8)


def test_fitting_twice_gives_the_same_eraser():
    x, label, subjects = data()
    here, there = (fit_transport(x, label, subjects, **FAST)(x) for _ in range(2))
    assert here.tobytes() == there.tobytes()


def test_without_a_key_one_is_drawn():
    x, label, _ = data()
    drawn = [fit_transport(x, label, components=K, erasure="leace").key for _ in range(2)]
    assert drawn[0] != drawn[1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"components": 13}, "components must be 1 to 12, not 13"),
        ({"components": 0}, "components must be 1 to 12, not 0"),
        ({"erasure": "none"}, "erasure is one of transport, leace, not 'none'"),
        ({"sigma": -1}, "sigma is 0 or more"),
        ({"sigma": float("nan")}, "sigma is 0 or more"),
        ({"key": "secret"}, "64 hexadecimal digits"),
        ({"folds": 400}, "400 folds need at least as many people"),
    ],
)
def test_settings_that_do_not_fit_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        fit_transport(*data(), **(FAST | change))


def test_a_class_too_small_for_the_components_is_named():
    x, label, subjects = data()
    small = np.where(subjects < 3, 2, label)
    message = r"4 components need 8 training samples of each class, and {} fewer of class {} \({}\);"
    with pytest.raises(ValueError, match=message.format("there are", 2, 6)):
        fit_transport(x, small, subjects, **FAST)
    with pytest.raises(ValueError, match=message.format("the router finds", 7, 3)):
        class_maps(x[:, :4], (np.arange(N) < 3).astype(int), np.array([5, 7]))
    assert fit_transport(x, small, subjects, erasure="leace", **FAST).maps.shape == (1, K, K)


def test_a_class_of_one_subject_is_refused():
    x, label, _ = data()
    with pytest.raises(ValueError, match="too few subjects for a router of 4 folds"):
        fit_transport(x, label, np.where(label == 0, 0, np.arange(N)), **FAST)


def test_embeddings_that_are_not_finite_are_refused():
    x, label, subjects = data()
    x[3, 3] = np.inf
    with pytest.raises(ValueError, match="not finite"):
        fit_transport(x, np.where(np.arange(N) == 3, -1, label), subjects, **FAST)
