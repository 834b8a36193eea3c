import math

import numpy as np
import pytest
import torch

from evaluation.verification.differential_table import MEASURES, differential_table
from evaluation.verification.group_errors import find_errors
from evaluation.verification.pair_scores import count_pairs


def errors_of(seed, subjects=80, groups=4, shift=0.0, threshold=0.6):
    """Errors among subjects of equal groups; those of group 0 look alike the more they are shifted."""
    generator = torch.Generator().manual_seed(seed)
    centre = torch.randn(subjects, 8, generator=generator)
    group = torch.arange(subjects) % groups
    centre[group == 0] += shift
    identity = torch.arange(subjects).repeat_interleave(3)
    x = centre[identity] + 0.7 * torch.randn(3 * subjects, 8, generator=generator)
    tiles = count_pairs(x, identity, "cosine")[0]
    return find_errors(tiles, threshold), group[identity][tiles.order].numpy(), groups


@pytest.mark.slow
def test_groups_without_a_difference_are_not_told_apart():
    p = np.array(
        [differential_table(*errors_of(seed), draws=0, permutations=39)["p_value"] for seed in range(120)]
    )
    alarms = (p <= 0.05).sum(0)
    assert (alarms <= 14).all(), "at most 5 % of 120, and what luck adds once in a thousand times"
    assert alarms.sum() > 0
    assert p.mean(0) == pytest.approx(0.5, abs=0.1)


def test_the_null_shows_how_far_apart_equal_groups_are():
    table = differential_table(*errors_of(0), draws=200, permutations=199).set_index("measure")
    assert table.loc["fmr_ratio", "null_median"] > 1.5, "20 subjects a group have few false matches"
    assert table.loc["fmr_ratio", "null_95"] > table.loc["fmr_ratio", "null_median"]
    assert table.loc["fdr", "null_95"] < table.loc["fdr", "null_median"] < 1
    assert table.loc["fmr_gap", "low"] == 0
    assert table.loc["fmr_ratio", "low"] == 1


def test_a_planted_difference_is_found():
    table = differential_table(*errors_of(1, 200, shift=1.0), permutations=199).set_index("measure")
    assert (table.loc[["fmr_gap", "fmr_ratio", "fdr", "garbe"], "p_value"] == 1 / 200).all()
    assert 0 < table.loc["fmr_gap", "low"] < table.loc["fmr_gap", "value"] < table.loc["fmr_gap", "high"]
    assert 1 < table.loc["fmr_ratio", "low"] < table.loc["fmr_ratio", "value"]
    assert table.loc["fdr", "low"] < table.loc["fdr", "value"] < table.loc["fdr", "high"] < 1
    assert table.loc["fmr_ratio", "value"] > table.loc["fmr_ratio", "null_95"]


def test_figures_are_those_of_the_rates():
    errors, group, groups = errors_of(2)
    rates = errors.rates(group, groups)
    table = differential_table(errors, group, groups, draws=0, permutations=0)
    assert table["measure"].tolist() == list(MEASURES)
    assert table["value"].tolist() == [measure(*rates) for measure in MEASURES.values()]
    assert table[["low", "high", "p_value", "null_median", "null_95"]].isna().all(axis=None)


def test_the_seed_gives_the_same_table():
    one, again, other = (
        differential_table(*errors_of(3), draws=50, permutations=50, seed=seed) for seed in (0, 0, 1)
    )
    assert one.equals(again)
    assert not one.equals(other)


def test_a_group_without_errors_has_no_ratio_and_no_interval():
    table = differential_table(*errors_of(4, 12, threshold=0.95), draws=50, permutations=50)
    row = table.set_index("measure").loc["fmr_ratio"]
    assert math.isnan(row["value"])
    assert row[["low", "high", "p_value"]].isna().all()
