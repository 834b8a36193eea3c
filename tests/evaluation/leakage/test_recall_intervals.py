import numpy as np
import pytest
from scipy.stats import beta

from evaluation.leakage.recall_intervals import balanced_intervals, class_recalls
from evaluation.samples.subject_bootstrap import bootstrap_interval


def interval(correct, label, subjects, **options):
    low, high = balanced_intervals(class_recalls(correct[None], label, subjects), **options)
    return float(low[0]), float(high[0])


def balanced(correct, label):
    return np.mean([correct[label == c].mean() for c in np.unique(label)])


def by_bootstrap(correct, label, subjects):
    """The percentile interval over subjects, which is right for many subjects and middling accuracies."""
    rows = [np.flatnonzero(subjects == s) for s in np.unique(subjects)]

    def statistic(drawn):
        some = np.concatenate([rows[s] for s in drawn])
        return balanced(correct[some], label[some])

    return bootstrap_interval(statistic, len(rows), seed=0, replicates=400)


def test_one_sample_a_subject_gives_jeffreys_intervals():
    hits, sizes = np.array([18, 70]), np.array([20, 80])
    label = np.repeat([0, 1], sizes)
    correct = np.concatenate([np.arange(n) < k for k, n in zip(hits, sizes, strict=True)]).astype(float)
    low = beta.ppf(0.025, hits + 0.5, sizes - hits + 0.5)
    high = beta.ppf(0.975, hits + 0.5, sizes - hits + 0.5)
    recall = hits / sizes
    expected = (
        recall.mean() - np.sqrt(((recall - low) ** 2).sum()) / 2,
        recall.mean() + np.sqrt(((high - recall) ** 2).sum()) / 2,
    )
    assert interval(correct, label, np.arange(100)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("together", [False, True])
def test_many_subjects_give_what_the_bootstrap_gives(together):
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(200), 4)
    ease = rng.random(200)[subjects]  # subjects differ, so their samples are not independent
    label = np.arange(800) % 2 if together else subjects % 2
    correct = (rng.random(800) < ease).astype(float)
    ours, theirs = interval(correct, label, subjects), by_bootstrap(correct, label, subjects)
    np.testing.assert_allclose(ours, theirs, atol=0.1 * np.ptp(theirs))
    alone = interval(correct, label, np.arange(800))
    assert np.ptp(alone) < 0.9 * np.ptp(ours), "the control: samples that pass for independent ones"


def test_no_error_does_not_mean_certainty():
    label, subjects = np.arange(240) % 2, np.repeat(np.arange(40), 6)
    low, high = interval(np.ones(240), label, subjects)
    assert 0.9 < low < 0.98
    assert high == 1
    assert interval(np.zeros(240), label, subjects) == pytest.approx((0, 1 - low))


def test_a_class_of_one_subject_says_next_to_nothing():
    label = np.array([0] * 99 + [1])
    low, high = interval((np.arange(100) % 10 > 0).astype(float), label, np.arange(100))
    assert low < 0.55
    assert high > 0.95


@pytest.mark.slow
def test_coverage_near_one_and_for_a_rare_class():
    rng = np.random.default_rng(0)
    subjects, truth = np.repeat(np.arange(100), 4), 0.97
    label = (np.arange(400) % 20 == 0).astype(int)
    draws = (rng.random((120, 400)) < truth).astype(float)

    def coverage(method, draws):
        ends = np.array([method(correct, label, subjects) for correct in draws])
        return np.mean((ends[:, 0] <= truth) & (truth <= ends[:, 1]))

    assert coverage(interval, draws) > 0.9
    assert coverage(by_bootstrap, draws[:30]) < 0.85, "the control: percentiles of the bootstrap"
