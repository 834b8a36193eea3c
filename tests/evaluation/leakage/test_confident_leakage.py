import numpy as np
import pytest

from evaluation.leakage.confident_leakage import SHARES, confident_leakage
from evaluation.leakage.permutation_null import permutation_tests
from evaluation.leakage.shuffled_units import Bench
from evaluation.samples.labelled_samples import Samples
from tests.support.known_leaks import leaking


def read(samples, *shares, max_samples=3000, seed=0, **options):
    return confident_leakage(Bench.of(samples, 5, max_samples, seed), *shares, seed=seed, **options)


def minority(share, seed=0, people=600, images=2, width=16, size=8):
    """Samples of subjects of whom a share leak fully, and the others not at all."""
    rng = np.random.default_rng([seed, 1])  # others than those of the shuffles
    subjects, label = np.repeat(np.arange(people), images), np.arange(people) % 2
    place = 0.7 * rng.normal(size=(people, width))
    few = rng.permutation(people)[: round(share * people)]
    place[few, 0] += size * (2 * label[few] - 1)
    return Samples(place[subjects] + 0.7 * rng.normal(size=(len(subjects), width)), label[subjects], subjects)


@pytest.mark.slow
def test_a_minority_that_leaks_fully_is_found():
    samples = minority(0.05, seed=3)
    assert permutation_tests(samples, permutations=99)[-1].p_value > 0.05  # lost in the average of all
    table = read(samples, permutations=99)
    assert table.columns.tolist() == ["share", "n", "balanced_accuracy", "low", "high", "p_value"]
    assert table["p_value"].min() == 0.01
    one = table.set_index("share").loc[0.05]
    assert one["p_value"] == 0.01
    assert one["n"] == 60
    assert one["low"] > 0.75
    assert table["balanced_accuracy"].iloc[-1] < 0.56


@pytest.mark.slow
def test_without_a_leak_alarms_are_as_rare_as_the_level():
    alarms = 0
    for seed in range(40):
        samples = minority(0, seed, people=30, width=5)
        alarms += read(samples, permutations=19, seed=seed)["p_value"].min() <= 0.05
    assert alarms <= 6  # 2 are expected; more than 6 come once in 300 times


def test_the_last_share_is_the_reading_of_all():
    samples = leaking("linear", people=40)
    table = read(samples, permutations=9)
    assert table["share"].tolist() == list(SHARES)
    whole, test = table.iloc[-1], permutation_tests(samples, permutations=9)[-1]
    assert whole["n"] == 240
    assert whole["balanced_accuracy"] == pytest.approx(test.statistic, abs=0.02)  # of either probe
    assert table["balanced_accuracy"].iloc[0] > whole["balanced_accuracy"]  # the most confident are read best
    assert (table["p_value"].iloc[2:] == 0.1).all()


@pytest.mark.slow
def test_the_chance_level_of_rare_classes_is_that_of_all():
    rng = np.random.default_rng(0)
    label = (rng.random(1500) < 0.05).astype(int)
    table = read(Samples(rng.normal(size=(1500, 4)), label), permutations=19)
    assert table["balanced_accuracy"].iloc[-2:].to_numpy() == pytest.approx(0.5, abs=0.1)
    assert table["p_value"].min() > 0.05


def test_ten_classes_and_labels_within_subjects():
    rng = np.random.default_rng(1)
    label = rng.integers(10, size=400)
    x = rng.normal(size=(400, 12))
    x[np.arange(400), label] += 3
    table = read(Samples(x, label, np.repeat(np.arange(100), 4)), permutations=9)
    assert table["p_value"].max() == 0.1
    assert table["balanced_accuracy"].iloc[-1] > 0.5


def test_shares_outside_the_samples_are_refused():
    with pytest.raises(ValueError, match=r"must be in \(0, 1\]"):
        read(leaking("none"), [0.0, 0.5])


def test_the_seed_decides_and_the_samples_are_bounded():
    samples = leaking("none", people=40)
    first = read(samples, permutations=9, max_samples=100, seed=1)
    assert first.equals(read(samples, permutations=9, max_samples=100, seed=1))
    assert first["n"].iloc[-1] == 96
    assert not first.equals(read(samples, permutations=9, max_samples=100, seed=2))
