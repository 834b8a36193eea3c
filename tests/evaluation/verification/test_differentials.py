import math

import numpy as np
import pytest

from evaluation.verification.differentials import (
    fdr,
    gap,
    garbe,
    gini,
    inequity_rate,
    n_sigma,
    ratio,
    skewed_error_ratio,
)

FMR, FNMR = np.array([0.01, 0.02, 0.03]), np.array([0.1, 0.1, 0.4])
NAN = math.nan


def test_by_hand():
    assert gap(FMR) == pytest.approx(0.02)
    assert ratio(FMR) == pytest.approx(3)
    # sum of |x_i - x_j| over ordered pairs: 2 (.01 + .02 + .01) = .08; 3/2 * .08 / (2 * 9 * .02) = 1/3
    assert gini(FMR) == pytest.approx(1 / 3)
    # 2 (.3 + .3) = 1.2; 3/2 * 1.2 / (18 * .2) = 1/2
    assert gini(FNMR) == pytest.approx(1 / 2)
    assert fdr(FMR, FNMR) == pytest.approx(1 - (0.02 + 0.3) / 2)
    assert fdr(FMR, FNMR, alpha=1) == pytest.approx(0.98)
    assert garbe(FMR, FNMR) == pytest.approx(5 / 12)
    assert garbe(FMR, FNMR, alpha=0.25) == pytest.approx(1 / 12 + 3 / 8)
    assert inequity_rate(FMR, FNMR) == pytest.approx(math.sqrt(12))
    assert inequity_rate(FMR, FNMR, alpha=1) == pytest.approx(3)
    assert skewed_error_ratio(FMR, FNMR) == pytest.approx(0.43 / 0.11)
    # 1 apart with deviations 3 and 4: 1 / sqrt(12.5); 3 apart with 4 and 5
    assert n_sigma(np.array([0.0, 1.0, 4.0]), np.array([3.0, 4.0, 5.0])) == pytest.approx(4 / math.sqrt(17))


def test_equal_groups_are_fair():
    same = np.full(4, 0.02)
    figures = [f(same, same) for f in (fdr, garbe, inequity_rate, skewed_error_ratio, n_sigma)]
    assert figures == pytest.approx([1, 0, 1, 1, 0])


@pytest.mark.parametrize("groups", [2, 5])
def test_all_errors_in_one_group_is_a_gini_of_1(groups):
    assert gini(np.eye(groups)[0]) == pytest.approx(1)


@pytest.mark.parametrize("rates", [[0.1, NAN], [NAN, NAN], [0.1], []])
def test_fewer_than_two_groups_give_nan(rates):
    rates = np.array(rates)
    for figure in (fdr, garbe, inequity_rate, skewed_error_ratio, n_sigma):
        assert math.isnan(figure(rates, rates))


def test_groups_without_pairs_are_left_out():
    some = np.array([0.01, NAN, 0.02, 0.03]), np.array([0.1, NAN, 0.1, 0.4])
    for figure in (fdr, garbe, inequity_rate, skewed_error_ratio):
        assert figure(*some) == figure(FMR, FNMR)
    assert n_sigma(*some) == n_sigma(FMR, FNMR)


def test_rates_of_zero():
    zero, one = np.zeros(2), np.array([0.0, 0.1])
    assert math.isnan(ratio(one))
    assert math.isnan(gini(zero))
    assert gini(one) == pytest.approx(1)
    assert (gap(one), gap(zero)) == (0.1, 0)
    assert math.isnan(garbe(zero, one))
    assert math.isnan(inequity_rate(one, FNMR))
    assert math.isnan(n_sigma(one, zero))
    assert skewed_error_ratio(one, np.array([0.2, 0.1])) == pytest.approx(1)
