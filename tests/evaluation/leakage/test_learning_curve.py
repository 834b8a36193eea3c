import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from evaluation.leakage.learning_curve import LEARNERS, extrapolate, learning_curve, predict, training_sizes
from evaluation.leakage.learning_fit import FORMS
from evaluation.samples.audited_samples import AuditedSamples
from evaluation.samples.labelled_samples import Samples
from tests.support.known_leaks import leaking


def hard_to_learn(count, seed=0, width=2000):
    """A linear leak that all features share: a thousand samples are few for it."""
    rng = np.random.default_rng(seed)
    label = rng.integers(2, size=count)
    return Samples(rng.normal(size=(count, width)) + 1.3 / width**0.5 * (2 * label[:, None] - 1), label)


def test_the_table_of_a_curve():
    table = learning_curve(leaking("linear", people=100))
    assert table.columns.tolist() == ["attacker", "n_train", "balanced_accuracy", "low", "high", "kind"]
    assert table["attacker"].unique().tolist() == list(LEARNERS)
    one = table[table["attacker"] == "linear"]
    assert one["kind"].tolist() == ["measured"] * 4 + ["extrapolated"] * 2
    assert one["n_train"].tolist() == [60, 120, 240, 480, 960, 4800]
    assert (one["low"] <= one["balanced_accuracy"]).all()
    assert (one["balanced_accuracy"] <= one["high"]).all()
    assert one["balanced_accuracy"].iloc[0] < one["balanced_accuracy"].iloc[3]


@pytest.mark.slow
def test_attackers_with_ten_times_the_data_read_what_was_said():
    """From 400 samples about 74 %, from 4,000 samples 87 %."""
    samples = hard_to_learn(500)
    table = learning_curve(samples, ["linear"]).set_index("n_train")
    assert table.index[-1] == 4000
    assert table.loc[400, "balanced_accuracy"] < 0.79
    x, label, _, _ = hard_to_learn(5500, seed=1)
    train, test = np.split(np.arange(5500), [4000])
    read = predict("linear", AuditedSamples(x, label, np.arange(5500)), train, test, 0)
    truth = balanced_accuracy_score(label[test], read)
    assert truth > table.loc[400, "high"]  # more than was measured, surely
    assert table.loc[4000, "low"] < truth < table.loc[4000, "high"]
    assert table.loc[4000, "low"] > 0.6  # it says more than that something is between chance and 1


def test_without_a_leak_more_data_read_nothing():
    table = learning_curve(leaking("none", people=100), ["linear", "kernel_rbf"])
    assert (table["low"] < 0.52).all()
    assert (table["balanced_accuracy"] < 0.56).all()


def test_the_largest_set_is_all_of_the_other_folds(monkeypatch):
    sizes = {}

    def spy(attacker, known, train, test, seed):
        assert not set(known.subjects[train]) & set(known.subjects[test])
        sizes.setdefault(len(train), []).append(set(known.subjects[train]))
        return known.label[test]

    monkeypatch.setattr("evaluation.leakage.learning_curve.predict", spy)
    table = learning_curve(leaking("none", people=50, images=4), ["linear"], max_samples=160)
    assert list(sizes) == [16, 32, 64, 128]  # whole subjects
    assert len({frozenset(some) for some in sizes[16]}) == 5  # another draw in each fold
    assert (table["balanced_accuracy"] == 1).all()
    assert (table.loc[table["kind"] == "measured", "low"] == 1).all()


@pytest.mark.parametrize(
    ("pool", "sizes"),
    [(8000, [250, 500, 1000, 2000, 4000, 8000]), (2400, [250, 500, 1000, 2400]), (80, [10, 20, 40, 80])],
)
def test_sizes_double_and_end_with_all(pool, sizes):
    assert training_sizes(pool) == sizes


def test_a_training_set_of_one_class_predicts_it():
    known = AuditedSamples(np.zeros((6, 2)), np.array([1, 1, 0, 0, 1, 0]), np.arange(6))
    assert predict("linear", known, np.array([0, 1]), np.array([2, 4, 5]), 0).tolist() == [1, 1, 1]


def test_an_extrapolation_is_as_wide_as_its_error_on_the_largest():
    n = np.array([100.0, 200, 400, 800])
    flat, jump = np.full(4, 0.7), np.array([0.7, 0.7, 0.7, 0.8])
    (_, low, high), _ = extrapolate(n, flat, np.tile(flat, (5, 1)), 0.5)
    assert low == pytest.approx(high, abs=0.02)
    (_, low, high), _ = extrapolate(n, jump, np.tile(jump, (5, 1)), 0.5)
    assert high - low > 0.2  # of what the smaller sizes said of the largest
    assert len(FORMS) == 2


def test_the_seed_decides():
    samples = leaking("none", people=30)
    first = learning_curve(samples, ["linear"], seed=1)
    assert first.equals(learning_curve(samples, ["linear"], seed=1))
    assert not first.equals(learning_curve(samples, ["linear"], seed=2))
