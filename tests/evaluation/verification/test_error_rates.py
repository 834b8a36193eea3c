import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from sklearn.metrics import roc_auc_score, roc_curve

from evaluation.verification.error_rates import (
    auc,
    count_errors,
    eer,
    error_curve,
    score_histogram,
    tar_at_far,
    threshold_at_fmr,
    tied,
)

GENUINE, IMPOSTOR = np.array([0.9, 0.8, 0.7, 0.4]), np.array([0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0, -0.1])


def drawn(seed, genuine=300, impostor=2000, levels=None):
    rng = np.random.default_rng(seed)
    scores = rng.normal(1.5, 1, genuine), rng.normal(0, 1, impostor)
    return scores if levels is None else tuple(np.round(s * levels) / levels for s in scores)


def test_rates_by_hand():
    counts = count_errors(GENUINE, IMPOSTOR, [0.55])
    table = dict(zip(counts.threshold, zip(counts.fmr, counts.fnmr, strict=True), strict=True))
    assert table == {0.4: (3 / 8, 0), 0.55: (1 / 8, 1 / 4), 0.7: (0, 1 / 4), 0.8: (0, 1 / 2), 0.9: (0, 3 / 4)}
    # of 32 orders, 0.4 is below two impostors and ties with one
    assert auc(counts) == (32 - 2.5) / 32
    assert tied(counts) == 1 / 32
    # just above 0.4 (2/8, 1/4), which is the diagonal
    assert eer(counts) == 1 / 4


def test_the_eer_lies_on_a_slanted_piece_where_scores_tie():
    counts = count_errors(np.array([1.0, 0.0]), np.array([0.0, -1.0, -1.0]))
    # (1/3, 0) at 0 and (0, 1/2) above it: 1/3 - x = 2/3 x
    assert eer(counts) == pytest.approx(1 / 5)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([None, 1, 4]))
def test_equals_sklearn(seed, levels):
    genuine, impostor = drawn(seed, levels=levels)
    counts = count_errors(genuine, impostor)
    same, score = np.repeat([1, 0], [len(genuine), len(impostor)]), np.concatenate([genuine, impostor])
    fmr, tar, _ = roc_curve(same, score, drop_intermediate=False)
    assert auc(counts) == pytest.approx(roc_auc_score(same, score), abs=1e-12)
    crossing = brentq(lambda x: 1 - x - np.interp(x, fmr, tar), 0, 1, xtol=1e-14)
    assert eer(counts) == pytest.approx(crossing, abs=1e-9)
    for far in (0.5, 0.1, 0.02):
        assert tar_at_far(counts, far) == pytest.approx(tar[fmr <= far].max(), abs=1e-12)


def test_further_thresholds_change_no_figure():
    genuine, impostor = drawn(3)
    alone, more = count_errors(genuine, impostor), count_errors(genuine, impostor, np.linspace(-5, 5, 777))
    assert auc(more) == auc(alone)
    assert eer(more) == pytest.approx(eer(alone), abs=1e-15)
    assert tar_at_far(more, 0.02) == tar_at_far(alone, 0.02)


def test_a_far_needs_thirty_impostors_that_pass():
    counts = count_errors(np.array([1.0]), np.linspace(0, 0.9, 300))
    assert tar_at_far(counts, 0.1) == 1
    assert math.isnan(tar_at_far(counts, 0.0999))
    assert math.isnan(tar_at_far(count_errors(np.array([]), np.linspace(0, 1, 3000)), 0.1))
    with pytest.raises(ValueError, match="FMR of 0.01 takes 3,000 impostor pairs .* there are 300"):
        threshold_at_fmr(counts, 0.01)


@pytest.mark.parametrize("fmr", [0, 1, -0.1, math.nan])
def test_an_fmr_to_aim_at_is_a_share(fmr):
    with pytest.raises(ValueError, match="lies between 0 and 1"):
        threshold_at_fmr(count_errors(GENUINE, IMPOSTOR), fmr)


def test_nothing_is_accepted_where_impostors_have_the_top_score():
    counts = count_errors(np.array([0.5, 1.0]), np.repeat([0.0, 1.0], [100, 200]))
    assert tar_at_far(counts, 0.2) == 0
    with pytest.raises(ValueError, match="no threshold has an FMR of at most 0.2"):
        threshold_at_fmr(counts, 0.2)


def test_the_threshold_of_an_fmr_is_the_lowest_that_keeps_it():
    genuine, impostor = drawn(5, impostor=5000)
    counts = count_errors(genuine, impostor, np.linspace(-4, 4, 8001))
    threshold = threshold_at_fmr(counts, 0.01)
    assert 0.0096 < np.mean(impostor >= threshold) <= 0.01
    assert np.mean(impostor >= counts.threshold[np.searchsorted(counts.threshold, threshold) - 1]) > 0.01


@pytest.mark.parametrize(("genuine", "impostor"), [([], [0.1]), ([0.1], []), ([], [])])
def test_without_both_kinds_nothing_is_defined(genuine, impostor):
    counts = count_errors(np.array(genuine), np.array(impostor), [0.0])
    assert all(math.isnan(figure(counts)) for figure in (auc, eer, tied))
    assert len(error_curve(counts)) == len(score_histogram(counts)) == 0
    assert np.isnan(counts.fmr).all() == (not impostor)
    assert np.isnan(counts.fnmr).all() == (not genuine)


def test_the_curve_is_part_of_the_exact_one_with_both_ends():
    genuine, impostor = drawn(7, 5000, 100_000)
    counts = count_errors(genuine, impostor, np.linspace(-8, 8, 9999))
    curve = error_curve(counts, 300)
    assert 150 < len(curve) <= 300
    for row in curve.iloc[::10].itertuples():
        assert row.fmr == pytest.approx(np.mean(impostor >= row.threshold), abs=1e-12)
        assert row.fnmr == pytest.approx(np.mean(genuine < row.threshold), abs=1e-12)
    assert curve["threshold"].is_monotonic_increasing
    assert (curve["fmr"].iloc[0], curve["fnmr"].iloc[0]) == (1, 0)
    assert curve["fmr"].iloc[-1] == 0
    tail = curve[(curve["fmr"] > 0) & (curve["fmr"] < 1e-3)]
    assert len(tail) > 20, "a DET plot shows the tails"
    # the chords lose little area
    assert -np.trapezoid(1 - curve["fnmr"], curve["fmr"]) == pytest.approx(auc(counts), abs=2e-4)


def test_the_curve_of_separate_scores_passes_through_the_corner():
    curve = error_curve(count_errors(np.array([0.8, 0.9]), np.array([0.1, 0.2]), np.linspace(0, 1, 101)), 60)
    assert ((curve["fmr"] == 0) & (curve["fnmr"] == 0)).any()


def test_the_histogram_holds_all_scores_and_follows_the_density():
    genuine, impostor = drawn(9, 20_000, 50_000)
    counts = count_errors(genuine, impostor, np.linspace(-8, 8, 20_001))
    table = score_histogram(counts, 40)
    assert len(table) == 40
    for kind, scores, mean in (("genuine", genuine, 1.5), ("impostor", impostor, 0)):
        assert (table[kind] * table["width"]).sum() == pytest.approx(1, abs=1e-12)
        edges = np.append(table["score"] - table["width"] / 2, table["score"].iloc[-1] + 1)
        expected = np.histogram(scores, edges)[0] / len(scores) / table["width"]
        one = 1 / len(scores) / table["width"]  # an edge is a score now and then, here rounded
        assert (np.abs(table[kind] - expected)[:-1] <= 1.01 * one[:-1]).all()
        density = np.exp(-((table["score"] - mean) ** 2) / 2) / np.sqrt(2 * np.pi)
        assert np.abs(table[kind] - density).max() < 0.03


def test_the_histogram_of_a_single_score_has_it_in_one_bin():
    table = score_histogram(count_errors(np.full(3, 0.5), np.full(4, 0.5), np.linspace(0, 1, 5)))
    assert (table["genuine"] * table["width"]).tolist() == [0, 1]
    assert (table["impostor"] * table["width"]).tolist() == [0, 1]


@pytest.mark.parametrize("beyond", [[-1.0], [2.0]])
def test_a_histogram_of_a_part_of_the_scores_is_refused(beyond):
    with pytest.raises(ValueError, match="scores beyond the thresholds"):
        score_histogram(count_errors(np.array([0.5]), np.array(beyond), [0.0, 1.0]))
