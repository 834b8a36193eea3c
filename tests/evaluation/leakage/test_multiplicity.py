import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from evaluation.leakage.multiplicity import holm, shuffles_needed


def test_holm_on_known_values():
    # R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.2])) == [0.2]
    np.testing.assert_array_equal(holm(np.array([0.6, 0.7])), [1, 1])


def test_holm_leaves_out_tests_without_a_p_value():
    np.testing.assert_allclose(holm(np.array([0.01, np.nan, 0.04])), [0.02, np.nan, 0.04])
    assert len(holm(np.array([]))) == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_rejects_what_the_step_down_rule_rejects(values):
    p = np.array(values)
    rejected = np.zeros(len(p), bool)
    for step, place in enumerate(np.argsort(p, kind="stable")):
        if p[place] * (len(p) - step) > 0.05:
            break
        rejected[place] = True
    np.testing.assert_array_equal(holm(p) <= 0.05, rejected)


def test_holm_keeps_false_alarms_of_a_family_rare():
    rng = np.random.default_rng(0)
    p = rng.random((2000, 6))
    p[:, 1] = p[:, 0]  # tests may depend on one another
    p[:, 5] = 1e-6  # one of them has something to find
    any_alarm = np.mean([(holm(row)[:5] <= 0.05).any() for row in p])
    assert 0.02 < any_alarm < 0.06
    assert (p[:, :5] <= 0.05).any(1).mean() > 0.15  # control: without Holm


@pytest.mark.parametrize("tests", [1, 2, 10, 48])
def test_the_shuffles_needed_are_the_fewest_that_can_decide(tests):
    def bound(shuffles):
        return binomtest(0, shuffles, alternative="less").proportion_ci(0.95, "exact").high

    enough = shuffles_needed(tests)
    assert bound(enough) <= 0.05 / tests < bound(enough - 1)


def test_the_counts_of_the_docstring():
    assert [shuffles_needed(1), shuffles_needed(10)] == [59, 598]
