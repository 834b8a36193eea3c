import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.leakage.paired_readings import paired_readings
from evaluation.samples.subject_bootstrap import bootstrap_interval

SUBJECTS, LABEL = np.repeat(np.arange(150), 2), np.arange(300) % 2


def correct_ones(seed, *accuracies, label=LABEL):
    """Readings whose errors are on the same samples as far as they can be."""
    place = np.random.default_rng(seed).random(len(label))
    return np.stack([place < accuracy for accuracy in accuracies]).astype(float)


def test_equal_sides_do_not_differ():
    correct = correct_ones(0, 0.8)
    found = paired_readings(LABEL, SUBJECTS, correct, correct)
    assert found.difference == found.removed == 0
    assert -0.02 < found.difference_low <= 0 <= found.difference_high < 0.02
    assert found.removed_low <= 0 <= found.removed_high


def test_the_difference_is_paired_as_in_the_bootstrap():
    before, after = correct_ones(0, 0.85), correct_ones(0, 0.75)
    found = paired_readings(LABEL, SUBJECTS, before, after)
    rows = np.arange(300).reshape(150, 2)

    def statistic(drawn):
        some = rows[drawn].ravel()
        return (after - before)[0, some].reshape(-1, 2).mean()

    expected = bootstrap_interval(statistic, 150, seed=0)
    np.testing.assert_allclose((found.difference_low, found.difference_high), expected, atol=0.015)
    other = paired_readings(LABEL, SUBJECTS, before, correct_ones(1, 0.75))  # the control: errors elsewhere
    paired, apart = (x.difference_high - x.difference_low for x in (found, other))
    assert paired < 0.7 * apart


def test_overlapping_intervals_may_differ():
    found = paired_readings(LABEL, SUBJECTS, correct_ones(0, 0.80), correct_ones(0, 0.75))
    assert found.before.low < found.after.high
    assert found.difference_high < 0


def test_the_reduction_is_that_of_the_strongest_of_each_side():
    before, after = correct_ones(0, 0.6, 0.95), correct_ones(0, 0.7, 0.55, 0.65)
    found = paired_readings(LABEL, SUBJECTS, before, after)
    assert (found.before.row, found.after.row) == (1, 0)
    one, two = before[1].mean(), after[0].mean()
    assert found.removed == pytest.approx(100 * (one - two) / (one - 0.5), abs=0.5)
    assert found.removed_low < found.removed < found.removed_high
    assert found.removed_high - found.removed_low < 45


def test_the_reduction_covers_the_truth():
    truth, inside = 100 * (1 - 0.1 / 0.4), 0
    for seed in range(60):
        before, after = correct_ones(seed, 0.9), correct_ones(seed + 1000, 0.6)
        found = paired_readings(LABEL, SUBJECTS, before, after)
        inside += found.removed_low <= truth <= found.removed_high
    assert 52 <= inside <= 60


@settings(deadline=None, max_examples=40)
@given(st.floats(0.3, 1), st.floats(0, 1), st.integers(2, 4), st.integers(0, 99))
def test_no_reduction_is_above_all(before, after, classes, seed):
    label = np.arange(300) % classes
    found = paired_readings(
        label, SUBJECTS, correct_ones(seed, before, label=label), correct_ones(seed + 1, after, label=label)
    )
    assert found.difference_low <= found.difference <= found.difference_high
    if found.before.low <= found.chance:
        assert np.isnan([found.removed, found.removed_low, found.removed_high]).all()
    elif not np.isnan(found.removed):
        assert found.removed_low - 1e-9 <= found.removed <= found.removed_high + 1e-9
        assert found.removed_high <= 100


def test_sides_of_different_samples_are_refused():
    with pytest.raises(ValueError, match="need the 300 labelled samples"):
        paired_readings(LABEL, SUBJECTS, correct_ones(0, 0.8), correct_ones(0, 0.8)[:, 1:])
