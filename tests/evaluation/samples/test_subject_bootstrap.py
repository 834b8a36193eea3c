import math

import numpy as np
import pytest
from scipy.stats import binomtest

from evaluation.samples.subject_bootstrap import draw_counts, effective_subjects, share_interval


def drawn(hits, trials, draws=2000, seed=0):
    rng = np.random.default_rng(seed)
    weights = [draw_counts(rng, len(hits)) for _ in range(draws)]
    return np.array([w @ hits / (w @ trials) for w in weights])


def test_one_trial_a_subject_is_the_wilson_interval():
    hits, trials = np.repeat([1.0, 0.0], [30, 70]), np.ones(100)
    found = share_interval(0.3, drawn(hits, trials), trials)
    exact = binomtest(30, 100).proportion_ci(method="wilson")
    assert found == pytest.approx((exact.low, exact.high), abs=0.005)


@pytest.mark.parametrize("share", [0, 1])
def test_a_share_of_0_or_1_counts_each_subject_once(share):
    trials = np.full(50, 7.0)  # all images of a subject agree, so there are 50 trials and not 350
    low, high = share_interval(share, np.full(100, share), trials)
    exact = binomtest(50 * share, 50).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((exact.low, exact.high))
    assert share in (low, high)


def test_images_that_agree_narrow_nothing():
    once, trials = np.repeat([1.0, 0.0], [60, 40]), np.ones(100)
    one = share_interval(0.6, drawn(once, trials), trials)
    assert share_interval(0.6, drawn(5 * once, 5 * trials), 5 * trials) == pytest.approx(one, abs=1e-3)


def test_subjects_of_unequal_size_count_less():
    assert effective_subjects(np.full(10, 3.0)) == pytest.approx(10)
    assert effective_subjects(np.array([100.0, 1, 1, 0])) < 1.1
    assert effective_subjects(np.zeros(3)) == 0


def test_near_1_the_interval_covers():
    rng, inside = np.random.default_rng(1), 0
    for seed in range(200):
        trials = rng.integers(1, 6, size=80).astype(float)
        hits = rng.binomial(trials.astype(int), rng.beta(19, 1, size=80)).astype(float)  # mean .95
        share = hits.sum() / trials.sum()
        low, high = share_interval(share, drawn(hits, trials, 200, seed), trials)
        inside += low <= 0.95 <= high
    assert 183 <= inside <= 199


@pytest.mark.parametrize(("share", "trials"), [(math.nan, np.ones(9)), (0.5, np.array([4.0, 4, 0]))])
def test_too_few_subjects_have_no_interval(share, trials):
    assert all(map(math.isnan, share_interval(share, np.full(9, 0.5), trials)))
    assert all(map(math.isnan, share_interval(0.5, np.empty(0), np.ones(9))))
