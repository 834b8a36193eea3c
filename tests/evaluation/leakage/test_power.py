import numpy as np
import pandas as pd
import pytest

from evaluation.leakage.permutation_null import permutation_tests
from evaluation.leakage.power import _FOLLOWING, plant, power_curve, smallest_leak
from evaluation.leakage.shuffled_labels import possible_schemes
from evaluation.leakage.shuffled_units import Bench
from evaluation.probes.standardise import standardise
from evaluation.samples.labelled_samples import Samples
from tests.support.known_leaks import leaking


def curve_of(samples, max_samples=3000, **options):
    return power_curve(Bench.of(samples, 5, max_samples, options.get("seed", 0)), **options)


def counts(label, subjects):
    table = np.zeros((subjects.max() + 1, label.max() + 1), int)
    np.add.at(table, (subjects, label), 1)
    return table


def test_planted_labels_of_subjects_keep_the_number_of_subjects():
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(50), 4)
    label = np.repeat([0, 1, 2], [20, 25, 5])[subjects]
    label[:2] = 1 - label[:2]  # a subject of two classes
    along = rng.normal(size=200)
    for planted in plant(along, label, subjects, "across subjects", rng):
        assert sorted(map(tuple, counts(planted, subjects))) == sorted(map(tuple, counts(label, subjects)))
    mean = np.bincount(subjects, along)[1:]
    assert (np.diff(planted[4::4][np.argsort(mean)]) >= 0).all()


def test_planted_labels_within_subjects_keep_those_of_each():
    rng = np.random.default_rng(0)
    subjects, label = np.repeat(np.arange(50), 4), rng.integers(3, size=200)
    along = rng.normal(size=200)
    labellings = plant(along, label, subjects, "within subjects", rng)
    for planted in labellings:
        assert (counts(planted, subjects) == counts(label, subjects)).all()
    in_order = np.lexsort((along, subjects))
    assert (np.diff(labellings[-1][in_order].reshape(50, 4), axis=1) >= 0).all()
    assert not (np.diff(labellings[0][in_order].reshape(50, 4), axis=1) >= 0).all()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["none", "constant"])
def test_the_accuracy_grows_with_the_share_that_follows(kind):
    curve = curve_of(leaking(kind, people=300), draws=20, permutations=19)
    assert curve.columns.tolist() == ["accuracy", "detected", "draws"]
    most = curve["accuracy"].iloc[-1]
    assert 0.7 < most < 0.9  # a single image places its subject with noise
    np.testing.assert_allclose(curve["accuracy"], 0.5 + _FOLLOWING * (most - 0.5), atol=0.02)
    assert curve["detected"].iloc[-1] == 1


def test_where_every_feature_is_the_same_all_can_be_read():
    """With one feature there is one direction, and images of a subject that do not differ hide nothing."""
    subjects = np.repeat(np.arange(40), 3)
    x = np.random.default_rng(0).normal(size=40)[subjects, None]
    curve = curve_of(Samples(x, (np.arange(40) % 2)[subjects], subjects), draws=10, permutations=39)
    assert curve["accuracy"].iloc[-1] == pytest.approx(1)
    assert curve["detected"].iloc[-1] == 1


@pytest.mark.slow
def test_without_a_leak_the_share_found_is_the_level():
    curve = curve_of(leaking("none", people=30), alpha=0.1, draws=300, permutations=99)
    assert curve["detected"].iloc[0] == pytest.approx(0.1, abs=0.06)  # all draws share one null


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["none", "constant"])
def test_the_permutation_test_finds_as_many_as_the_curve_says(kind):
    samples = leaking(kind, people=60, images=4)
    curve = curve_of(samples, draws=60)
    row = int((curve["detected"] >= 0.6).argmax())
    assert 0 < row < len(curve) - 1
    rng, z = np.random.default_rng(5), standardise(samples.embedding, samples.embedding)[0]
    scheme = possible_schemes(samples.label, samples.identity)[-1]
    found = []
    for seed in range(50):
        along = z @ rng.normal(size=z.shape[1])
        label = plant(along, samples.label, samples.identity, scheme, rng)[row]
        test = permutation_tests(samples._replace(label=label), permutations=59, seed=seed)[-1]
        assert test.scheme == scheme
        found.append(test.p_value <= 0.05)
    assert np.mean(found) == pytest.approx(curve["detected"][row], abs=0.2)


@pytest.mark.slow
def test_more_subjects_or_a_higher_level_find_smaller_leaks():
    least = {
        (people, alpha): smallest_leak(
            curve_of(leaking("constant", people=people), alpha=alpha, draws=30), alpha
        )["accuracy"].item()
        for people, alpha in ((30, 0.05), (120, 0.05), (120, 0.01))
    }
    assert 0.5 < least[120, 0.05] < least[120, 0.01] < least[30, 0.05] < 0.9


@pytest.mark.parametrize(
    ("detected", "expected"),
    [
        ([0.05, 0.4, 0.9, 1], 0.6 + 0.1 * 0.8),
        ([0.05, 0.9, 0.7, 1], 0.6),  # smoothed to .8 at .6
        ([0.05, 0.1, 0.2, 0.7], np.nan),
        ([0.05, 0.1, 0.2, 0.8], np.nan),  # at the last only, 1.0
        ([0.9, 1, 1, 1], 0.5),
    ],
)
def test_the_smallest_leak_is_interpolated(detected, expected):
    curve = pd.DataFrame({"accuracy": [0.5, 0.6, 0.7, 1.0], "detected": detected})
    found = smallest_leak(curve, alpha=0.02)
    assert found.columns.tolist() == ["accuracy", "power", "alpha"]
    assert found.iloc[0].tolist() == pytest.approx([expected, 0.8, 0.02], nan_ok=True)


def test_levels_that_the_permutations_cannot_give_are_refused():
    with pytest.raises(ValueError, match="19 permutations cannot give p <= 0.01; ask for 100"):
        curve_of(leaking("none"), alpha=0.01, permutations=19)


def test_the_seed_decides_and_the_samples_are_bounded():
    samples = leaking("none", people=40)
    first = curve_of(samples, draws=3, permutations=19, max_samples=100, seed=1)
    assert first.equals(curve_of(samples, draws=3, permutations=19, max_samples=100, seed=1))
    assert not first.equals(curve_of(samples, draws=3, permutations=19, max_samples=100, seed=2))
