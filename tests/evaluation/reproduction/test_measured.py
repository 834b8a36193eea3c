"""Figures of a published table from the numbers of audits, by hand."""

from math import isnan

import pytest

from evaluation.reproduction.measured import (
    Measurement,
    Score,
    deviation,
    find_measurement,
    measured_reduction,
    score_rows,
)
from tests.support.made_paper import NAMES, make_numbers, make_published

IDENTITY, EMOTION = make_published().rows


def test_a_classifier_is_found_by_table_attacker_and_scaling() -> None:
    numbers = make_numbers({("x", "standardised"): 0.8, ("x", "raw"): 0.7, ("sn", "standardised"): 0.5})
    found = find_measurement(numbers, EMOTION, "x", "raw")
    assert found is not None
    assert (found.accuracy, found.low, found.high) == pytest.approx((70, 67, 72))
    assert found.chance == pytest.approx(100 / 6)
    assert (found.n, found.measure) == (276, "balanced accuracy")
    assert find_measurement(numbers, EMOTION, "sn", "raw") is None


def test_without_pairs_identity_is_at_equal_error_rates() -> None:
    found = find_measurement(make_numbers(eer={"x": 0.04}), IDENTITY, "x", "standardised")
    assert found is not None
    assert (found.accuracy, found.low, found.high) == pytest.approx((96, 94, 97))
    assert (found.chance, found.n) == (50, 10_000)
    assert "EER" in found.measure
    assert find_measurement(make_numbers(eer={"x": 0.04}), IDENTITY, "x", "raw") is None


@pytest.mark.parametrize(("official", "measure"), [(True, "LFW View 1"), (False, "pairs in LFW's format")])
def test_pairs_of_view_1_come_first(official, measure) -> None:
    pairs = {
        "representation": ["x", "x"],
        "metric": ["cosine", "euclidean"],
        "accuracy": [0.5, 0.97],
        "low": [0.4, 0.96],
        "high": [0.6, 0.98],
        "pairs": [1000, 1000],
        "official": [official] * 2,
    }
    found = find_measurement(make_numbers(eer={"x": 0.2}, lfw_view1=pairs), IDENTITY, "x", "standardised")
    assert found is not None
    assert (found.accuracy, found.low, found.high) == pytest.approx((97, 96, 98))
    assert (found.n, found.measure) == (1000, measure)


def test_what_was_not_measured_has_no_figure() -> None:
    empty = {"sections": {}, "facts": {}}
    assert find_measurement(empty, EMOTION, "x", "raw") is None
    assert find_measurement(empty, IDENTITY, "x", "standardised") is None
    scores = score_rows([EMOTION], list(NAMES), {"of_emotions": [empty]})
    assert all(not score.readings and isnan(score.accuracy) for score in scores.values())


def test_over_the_seeds_each_is_compared_with_its_own_control() -> None:
    chance = 1 / 6
    seeds = []
    for x, sn in ((0.9, 0.5), (0.7, 0.6)):
        seeds.append(make_numbers({("x", "standardised"): x, ("sn", "standardised"): sn}))
    scores = score_rows([EMOTION], ["x", "sn"], {"of_emotions": seeds})
    score = scores["emotion", "sn", "standardised"]
    assert score.accuracy == pytest.approx(55)
    assert score.spread == pytest.approx(50**0.5)
    assert score.interval == pytest.approx((52, 57))
    assert list(score.lost) == pytest.approx([40, 10])
    assert list(score.removed) == pytest.approx([40 / (0.9 - chance), 10 / (0.7 - chance)])
    assert scores["emotion", "x", "standardised"].removed == ()
    assert scores["emotion", "sn", "raw"] == Score([], [], [])


@pytest.mark.parametrize(
    ("x", "removed"),
    [
        (0.30, 50.0),  # well above
        (0.19, float("nan")),  # its interval, 3 points below, holds chance
        (0.15, float("nan")),  # below chance
    ],
)
def test_of_a_control_at_chance_no_share_is_taken(x, removed) -> None:
    half = (x + 1 / 6) / 2  # half of what was above chance
    numbers = make_numbers({("x", "raw"): x, ("sn", "raw"): half})
    score = score_rows([EMOTION], ["x", "sn"], {"of_emotions": [numbers]})["emotion", "sn", "raw"]
    assert list(score.removed) == pytest.approx([removed], nan_ok=True)
    assert list(score.lost) == pytest.approx([100 * (x - half)])


@pytest.mark.parametrize(("above", "meaningful"), [(0.9, False), (1.1, True)])
def test_within_a_point_of_chance_there_is_no_share(above, meaningful) -> None:
    before = Measurement(50 + above, 50.5, 51.5, 50, 10_000, "")
    assert isnan(measured_reduction(before, before)) is not meaningful


def test_one_seed_has_no_deviation() -> None:
    assert isnan(deviation([3.0]))
    assert deviation([1.0, 3.0]) == pytest.approx(2**0.5)
