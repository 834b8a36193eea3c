import math

import numpy as np
import pytest
from scipy.stats import norm, studentized_range

from evaluation.verification.contrast_interval import largest_difference_interval


def test_two_figures_have_the_interval_of_their_difference():
    drawn = np.random.default_rng(0).normal([0.2, 0.5], [0.03, 0.04], size=(20_000, 2))
    low, high = largest_difference_interval(np.array([0.2, 0.5]), drawn)
    assert (low, high) == pytest.approx(
        (0.3 - norm.ppf(0.975) * 0.05, 0.3 + norm.ppf(0.975) * 0.05), abs=2e-3
    )


def test_five_figures_have_the_width_of_tukeys_range():
    drawn = np.random.default_rng(0).normal(size=(20_000, 5))
    _, high = largest_difference_interval(np.zeros(5), drawn)
    assert high == pytest.approx(studentized_range.ppf(0.95, 5, 1e6), abs=0.1)


@pytest.mark.parametrize(("spread", "truth"), [(0.0, 0.0), (1.0, 2.0)])
def test_coverage(spread, truth):
    rng, inside = np.random.default_rng(0), 0
    mean = spread * np.array([-1.0, 0.0, 0.5, 1.0])
    for _ in range(300):
        values = rng.normal(mean, 0.4)
        low, high = largest_difference_interval(values, rng.normal(values, 0.4, size=(200, 4)))
        inside += low <= truth <= high
    assert 280 <= inside <= 300


def test_undefined_figures_leave_no_interval():
    drawn = np.random.default_rng(0).normal(size=(100, 3))
    whole = largest_difference_interval(np.array([0.0, 1.0, math.nan]), drawn)
    assert whole == largest_difference_interval(np.array([0.0, 1.0]), drawn[:, :2])
    undefined = drawn.copy()
    undefined[:10, 0] = -np.inf
    for values, draws in (
        ([0.0, math.nan, math.nan], drawn),
        ([0.0, 1.0, 2.0], drawn[:0]),
        ([0.0, 1.0, 2.0], undefined),
        ([0.0, 1.0, 2.0], np.ones((50, 3))),
    ):
        assert all(map(math.isnan, largest_difference_interval(np.array(values), draws)))
