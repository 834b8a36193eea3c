import numpy as np
import pytest
from scipy.stats import norm

from evaluation.leakage.recall_intervals import CRITICAL, balanced_intervals, class_recalls
from evaluation.leakage.strongest_reading import critical_value, strongest_reading

SUBJECTS, LABEL = np.arange(200), np.arange(200) % 2


def readings(rng, truth, common=0.5):
    """Correlated readings (R, 200) of true accuracies (R,)."""
    shared, own = rng.normal(size=200), rng.normal(size=(len(truth), 200))
    latent = np.sqrt(common) * shared + np.sqrt(1 - common) * own
    return (latent < norm.ppf(truth)[:, None]).astype(float)


def test_one_reading_keeps_its_own_interval():
    correct = readings(np.random.default_rng(0), np.array([0.7]))
    found = strongest_reading(LABEL, SUBJECTS, correct)
    low, high = balanced_intervals(class_recalls(correct, LABEL, SUBJECTS))
    assert (found.low, found.high) == (low[0], high[0])


def test_much_weaker_readings_cost_nothing():
    correct = readings(np.random.default_rng(0), np.array([0.55, 0.9, 0.6, 0.55]))
    found = strongest_reading(LABEL, SUBJECTS, correct)
    assert found.row == 1
    alone = strongest_reading(LABEL, SUBJECTS, correct[1:2])
    assert found[1:] == alone[1:]


def test_the_quantile_is_that_of_a_maximum():
    rng = np.random.default_rng(0)
    apart = np.kron(np.eye(5), rng.choice([-1.0, 1.0], size=(1, 40)))  # uncorrelated errors
    assert critical_value(apart) == pytest.approx(norm.ppf(0.975 ** (1 / 5)), abs=0.06)
    assert critical_value(np.repeat(apart[:1], 5, 0)) == pytest.approx(CRITICAL, abs=0.06)
    assert critical_value(apart[:1]) == CRITICAL
    assert critical_value(np.zeros((3, 9))) == CRITICAL


@pytest.mark.slow
def test_forty_readings_of_nothing_are_seldom_above_chance():
    rng, draws = np.random.default_rng(0), 80
    above = np.zeros((draws, 2))
    for i in range(draws):
        correct = readings(rng, np.full(40, 0.5))
        low, _ = balanced_intervals(class_recalls(correct, LABEL, SUBJECTS))
        above[i] = strongest_reading(LABEL, SUBJECTS, correct).low > 0.5, low.max() > 0.5
    assert above[:, 0].mean() < 0.06
    assert above[:, 1].mean() > 0.15, "the control: the highest of forty intervals, each alone"


def test_retraining_widens_the_interval_of_the_strongest():
    correct = readings(np.random.default_rng(0), np.full(3, 0.7))
    plain = strongest_reading(LABEL, SUBJECTS, correct)
    spread = strongest_reading(LABEL, SUBJECTS, correct, spread=np.full(3, 0.05))
    assert strongest_reading(LABEL, SUBJECTS, correct, spread=np.full(3, np.nan)) == plain
    assert spread.low < plain.low - 0.01
    assert spread.high > plain.high + 0.01
