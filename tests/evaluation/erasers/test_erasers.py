"""Erasers: a linear probe reads the attribute before and cannot after; their algebra; determinism."""

import numpy as np
import pytest
from scipy.linalg import sqrtm
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from evaluation.erasers.inlp import fit_inlp
from evaluation.erasers.leace import fit_leace
from evaluation.erasers.noise import fit_noise
from evaluation.erasers.pca import fit_pca

N, D = 600, 12


def data(classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Correlated features of very different scales, whose means follow the class."""
    rng = np.random.default_rng(seed)
    label = rng.integers(classes, size=N)
    x = rng.normal(size=(N, D)) @ rng.normal(size=(D, D)) + 3 * rng.normal(size=(classes, D))[label]
    return x * np.logspace(-2, 2, D) + 7, label


def probe_accuracy(x: np.ndarray, label: np.ndarray) -> float:
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    return probe.fit(x, label).score(x, label)


def majority(label: np.ndarray) -> float:
    return np.bincount(label).max() / len(label)


def cross_correlation(x: np.ndarray, label: np.ndarray) -> float:
    """The largest between a feature and a class."""
    one_hot = np.eye(label.max() + 1)[label]
    both = ((x - x.mean(0)).T @ (one_hot - one_hot.mean(0))) / len(x)
    return np.abs(both / np.outer(x.std(0), one_hot.std(0))).max()


CLASSES = pytest.mark.parametrize("classes", [2, 3, 6])
FITS = {"leace": fit_leace, "inlp": fit_inlp}
METHODS = pytest.mark.parametrize("fit", FITS.values(), ids=FITS)


@CLASSES
def test_after_leace_a_linear_probe_is_at_chance(classes):
    x, label = data(classes)
    assert probe_accuracy(x, label) > majority(label) + 0.2
    assert probe_accuracy(fit_leace(x, label)(x), label) == pytest.approx(majority(label), abs=2 / N)


@CLASSES
@pytest.mark.parametrize("shrinkage", [True, False])
def test_after_leace_features_and_classes_are_uncorrelated(classes, shrinkage):
    x, label = data(classes)
    assert cross_correlation(x, label) > 0.2
    assert cross_correlation(fit_leace(x, label, shrinkage=shrinkage)(x), label) < 1e-6


@CLASSES
def test_leace_is_the_closed_form(classes):
    x, label = data(classes)
    centred, one_hot = x - x.mean(0), np.eye(classes)[label]
    whitening = np.linalg.inv(sqrtm(np.cov(x.T)).real)
    u, s, _ = np.linalg.svd(whitening @ centred.T @ (one_hot - one_hot.mean(0)) / (N - 1))
    u = u[:, : classes - 1]
    expected = x - centred @ (np.linalg.inv(whitening) @ u @ u.T @ whitening).T
    erased = fit_leace(x, label, shrinkage=False)(x)
    np.testing.assert_allclose((erased - expected) / x.std(0), 0, atol=1e-6)


def test_leace_erases_features_that_are_uncorrelated_already():
    x, label = data(2)
    x = (x - x.mean(0)) @ np.linalg.inv(sqrtm(np.cov(x.T)).real)
    assert cross_correlation(x, label) > 0.2
    assert cross_correlation(fit_leace(x, label)(x), label) < 1e-6


def test_leace_changes_less_than_removing_the_class_means():
    x, label = data(3)
    x = x / x.std(0)  # so that distances mean something
    means = np.stack([x[label == c].mean(0) for c in range(3)]) - x.mean(0)
    basis = np.linalg.svd(means)[2][:2]
    orthogonal = x - (x - x.mean(0)) @ basis.T @ basis
    assert cross_correlation(orthogonal, label) < 0.05
    least = fit_leace(x, label, shrinkage=False)(x)
    assert np.square(least - x).sum() < np.square(orthogonal - x).sum()


def test_leace_without_shrinkage_commutes_with_change_of_basis():
    x, label = data(3)
    rng = np.random.default_rng(5)
    x = x / x.std(0)
    basis, shift = np.linalg.qr(rng.normal(size=(D, D)))[0], rng.normal(size=D)
    there = fit_leace(x @ basis + shift, label, shrinkage=False)(x @ basis + shift)
    np.testing.assert_allclose(there, fit_leace(x, label, shrinkage=False)(x) @ basis + shift, atol=1e-6)


@pytest.mark.parametrize("classes", [2, 3])
def test_after_inlp_a_linear_probe_is_near_chance(classes):
    x, label = data(classes)
    label = label % 2 if classes == 2 else label
    assert probe_accuracy(x, label) > majority(label) + 0.2
    erased = fit_inlp(x, label)(x)
    assert probe_accuracy(erased, label) < majority(label) + 0.02


def test_inlp_keeps_what_does_not_tell_the_class():
    rng = np.random.default_rng(0)
    label = rng.integers(2, size=N)
    x = rng.normal(size=(N, D))
    x[:, 0] += 4 * label
    other = (x[:, 5] > 0).astype(int)
    erased = fit_inlp(x, label, iterations=1)(x)
    assert np.linalg.matrix_rank(erased - erased.mean(0)) == D - 1
    assert probe_accuracy(x, label) > 0.9
    assert probe_accuracy(erased, label) < 0.65
    assert probe_accuracy(erased, other) > 0.9


def test_inlp_does_not_depend_on_the_unit_of_a_feature():
    x, label = data(3)
    unit = np.logspace(3, -3, D)
    there = fit_inlp(x * unit + 1, label, iterations=3)(x * unit + 1)
    here = fit_inlp(x, label, iterations=3)(x) * unit + 1
    np.testing.assert_allclose((there - here) / (x * unit).std(0), 0, atol=1e-4)


@METHODS
def test_erasing_twice_is_erasing_once(fit):
    x, label = data(3)
    erase = fit(x, label)
    once = erase(x)
    np.testing.assert_allclose((erase(once) - once) / x.std(0), 0, atol=1e-8)
    np.testing.assert_allclose(once.mean(0), x.mean(0), rtol=1e-8)


@METHODS
def test_the_names_of_the_classes_do_not_matter(fit):
    x, label = data(3)
    other = np.array([7, 2, 0])[label]
    np.testing.assert_allclose(fit(x, other)(x) / x.std(0), fit(x, label)(x) / x.std(0), atol=1e-3)


@METHODS
def test_rows_of_unknown_class_are_not_fitted_but_erased(fit):
    x, label = data(3)
    some = label.copy()
    some[::4] = -1
    erase, alone = fit(x, some), fit(x[some >= 0], label[some >= 0])
    np.testing.assert_array_equal(erase(x), alone(x))
    assert not np.allclose(erase(x[::4]), x[::4])


@METHODS
def test_the_same_data_give_the_same_eraser(fit):
    x, label = data(3)
    np.testing.assert_array_equal(fit(x, label)(x), fit(x.copy(), label.copy())(x))


@METHODS
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda x, z: (x, z[:-1]), "x must be"),
        (lambda x, z: (x, np.where(z == 0, 0, -1)), "fewer than two classes"),
        (lambda x, z: (np.where(x == x[0, 0], np.nan, x), z), "not finite"),
    ],
)
def test_data_that_cannot_be_fitted_are_refused(fit, spoil, message):
    with pytest.raises(ValueError, match=message):
        fit(*spoil(*data(3)))


@METHODS
def test_a_feature_that_is_constant_stays(fit):
    x, label = data(2)
    x[:, 3] = 5.0
    erased = fit(x, label)(x)
    assert np.isfinite(erased).all()
    np.testing.assert_allclose(erased[:, 3], 5)


def test_pca_keeps_the_leading_components():
    x, _ = data(2)
    variances = np.sort(np.linalg.eigvalsh(np.cov(x.T)))[::-1]
    for components in (1, 4):
        erase = fit_pca(x, components)
        kept = erase(x)
        np.testing.assert_allclose(np.trace(np.cov(kept.T)), variances[:components].sum(), rtol=1e-9)
        np.testing.assert_allclose(erase(kept), kept, atol=1e-8)
    np.testing.assert_allclose(fit_pca(x, D)(x), x)
    with pytest.raises(ValueError, match="components must be 1 to 12, not 13"):
        fit_pca(x, 13)


def test_noise_has_its_strength_in_every_feature():
    x, label = data(2)
    blur = fit_noise(x, 0.5, seed=3)
    np.testing.assert_allclose((blur(x) - x).std(0) / x.std(0), 0.5, rtol=0.15)
    np.testing.assert_array_equal(blur(x), fit_noise(x, 0.5, seed=3)(x))
    assert not np.allclose(blur(x), fit_noise(x, 0.5, seed=4)(x))
    np.testing.assert_array_equal(fit_noise(x, 0)(x), x)
    assert probe_accuracy(fit_noise(x, 20)(x), label) < probe_accuracy(blur(x), label)
    with pytest.raises(ValueError, match="0 or more"):
        fit_noise(x, -1)


def balanced_recall(x: np.ndarray, label: np.ndarray) -> float:
    """Of a linear probe that weighs the classes evenly."""
    probe = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=2000))
    found = probe.fit(x, label).predict(x)
    return float(np.mean([(found[label == c] == c).mean() for c in np.unique(label)]))


def rare(n: int, share: float, gap: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x, label = rng.normal(size=(n, 32)), (np.arange(n) < share * n).astype(int)
    x[label == 1, 0] += gap
    return x, label


RARE = pytest.mark.parametrize(
    ("n", "share", "gap"), [(10_000, 0.005, 1), (10_000, 0.001, 5), (50_000, 0.005, 0.8)]
)


@RARE
def test_leace_erases_a_rare_class(n, share, gap):
    x, label = rare(n, share, gap)
    assert balanced_recall(x, label) > 0.6
    erase = fit_leace(x, label)
    assert erase.not_erased == ()
    assert balanced_recall(erase(x), label) == pytest.approx(0.5, abs=0.005)


@RARE
def test_inlp_erases_a_rare_class(n, share, gap):
    x, label = rare(n, share, gap)
    first = fit_inlp(x, label, iterations=1)
    assert 1 - abs(first.matrix[0, 0]) > 0.1  # one round takes most of the direction that tells the class
    assert balanced_recall(first(x), label) < balanced_recall(x, label) - 0.03


def test_the_share_of_a_class_does_not_move_leaces_zero():
    x, label = data(3)
    copies = np.where(label == 0, 200, 1)
    many, labels = np.repeat(x, copies, 0), np.repeat(label, copies)
    assert cross_correlation(fit_leace(many, labels)(many), labels) < 1e-6


def test_leace_erases_class_means_from_a_feature_of_tiny_unit():
    x, label = data(6)
    x = x * np.logspace(0, -12, D)
    erased = fit_leace(x, label)(x)
    means = np.stack([erased[label == c].mean(0) for c in range(6)])
    np.testing.assert_allclose((means - means.mean(0)) / x.std(0), 0, atol=1e-6)


def test_inlp_reads_features_of_tiny_unit():
    x, label = data(2)
    there = fit_inlp(x * np.logspace(0, -14, D), label, iterations=2)
    here = fit_inlp(x, label, iterations=2)
    shown = (there.matrix / np.logspace(0, -14, D)) * np.logspace(0, -14, D)[:, None]
    np.testing.assert_allclose(
        shown / x.std(0) * x.std(0)[:, None], here.matrix / x.std(0) * x.std(0)[:, None], atol=1e-3
    )


@pytest.mark.parametrize("shrinkage", [True, False])
def test_leace_of_features_given_twice(shrinkage):
    x, label = data(3)
    twice = np.hstack([x, x[:, :4]])
    erased = fit_leace(twice, label, shrinkage=shrinkage)(twice)
    assert cross_correlation(erased, label) < 1e-6
    np.testing.assert_allclose((erased[:, D:] - erased[:, :4]) / x.std(0)[:4], 0, atol=1e-6)


def test_classes_of_one_mean_are_named():
    x, label = data(3)
    x = np.vstack([x, x[label == 1]])  # class 5 is class 1 again
    label = np.append(label, np.full(len(x) - len(label), 5))
    erase = fit_leace(x, label)
    assert erase.not_erased == (1, 5)
    assert round(np.trace(erase.matrix)) == D - 2
    assert cross_correlation(erase(x), np.unique(label, return_inverse=True)[1]) < 1e-6


def test_a_tolerance_that_leaves_a_class_names_it():
    x, label = rare(10_000, 0.005, 1)
    erase = fit_leace(x, label, svd_tol=0.5)
    assert erase.not_erased == (0, 1)
    np.testing.assert_allclose(erase.matrix, np.eye(32), atol=1e-12)
    with pytest.raises(ValueError, match="svd_tol must be above 0"):
        fit_leace(x, label, svd_tol=0)


def test_more_classes_than_dimensions_are_all_erased():
    x = np.random.default_rng(0).normal(size=(60, 3))
    erase = fit_leace(x, np.arange(60) % 10)
    assert np.ptp(erase(x), axis=0) == pytest.approx(np.zeros(3), abs=1e-9)
    assert erase.not_erased == ()
