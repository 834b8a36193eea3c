import numpy as np
import pytest
import torch

from evaluation.verification import group_errors
from evaluation.verification.group_errors import find_errors, rate_intervals
from evaluation.verification.pair_scores import count_pairs
from tests.support.verification_sets import METRICS, all_scores, faces


def listed(n=300, people=60, groups=3, metric="cosine", level=0.5):
    """Errors at the threshold that accepts a share of all pairs, and the groups in their order."""
    embedding, identity = faces(n, people, d=8, noise=0.8)
    tiles, counts = count_pairs(embedding, identity, metric)
    threshold = float(counts.threshold[np.searchsorted(counts.fnmr, level)])
    group = (identity % groups)[tiles.order].numpy()
    return find_errors(tiles, threshold), group, counts, threshold


@pytest.mark.parametrize("metric", METRICS)
def test_errors_are_those_of_the_counts(metric, monkeypatch):
    whole, group, counts, threshold = listed(metric=metric)
    place = np.searchsorted(counts.threshold, threshold)
    one = np.zeros_like(group)
    assert whole.rates(one, 1)[:, 0] == pytest.approx([counts.fmr[place], counts.fnmr[place]])
    assert len(whole.genuine) == counts.genuine
    monkeypatch.setattr(group_errors, "TILE", 5000)
    blocks = listed(metric=metric)[0]
    assert blocks.rates(group, 3).tolist() == whole.rates(group, 3).tolist()


def test_rates_of_groups_are_those_of_each_group_alone():
    embedding, identity = faces(300, 60, d=8, noise=0.8)
    errors, group, _, threshold = listed()
    found = errors.rates(group, 4)
    for g in range(3):
        genuine, impostor = all_scores(embedding[identity % 3 == g], identity[identity % 3 == g], "cosine")
        expected = (impostor >= threshold - 1e-9).mean(), (genuine < threshold - 1e-9).mean()
        assert found[:, g] == pytest.approx(expected)
    assert np.isnan(found[:, 3]).all()


def test_groups_that_change_within_subjects_keep_their_pairs():
    errors, _, _, _ = listed()
    group = np.random.default_rng(0).integers(2, size=len(errors.subject))
    found, images = errors.rates(group, 2), errors.images(group, 2)
    for g in (0, 1):
        inside = (group[errors.genuine] == g).all(1)
        assert found[1, g] == errors.rejected[inside].mean()
        same = errors.subject[:, None] == errors.subject
        mine = group == g
        impostors = (mine[:, None] & mine & ~same).sum() / 2
        assert found[0, g] == (group[errors.false_matches] == g).all(1).sum() / impostors
    assert images.sum() == len(group)


def test_draws_of_everybody_are_the_rates_themselves(monkeypatch):
    errors, group, _, _ = listed()
    monkeypatch.setattr(
        group_errors, "_stratified_counts", lambda member, draws, _: np.ones((draws, len(member)))
    )
    assert errors.drawn_rates(group, 3, 2, 0)[1] == pytest.approx(errors.rates(group, 3))


def test_every_group_keeps_its_number_of_subjects():
    member = np.array([[True, False]] * 5 + [[False, True]] * 3 + [[True, True]] * 4)
    weight = group_errors._stratified_counts(member, 50, 0)
    assert (weight @ member == [9, 7]).all()
    assert weight[:, :5].std() > 0


def test_subjects_in_several_groups_are_drawn_if_none_are_alike():
    member = np.array([[i >> bit & 1 for bit in range(4)] for i in range(16)], bool)
    member = member[member.sum(1) > 1]
    assert (group_errors._stratified_counts(member, 400, 0).std(0) > 0.7).all()


@pytest.mark.slow
def test_draws_vary_as_much_as_new_subjects_do():
    centre = torch.randn(9000, 8, generator=torch.Generator().manual_seed(0))
    x = centre.repeat_interleave(2, 0)
    x = x + 0.7 * torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    identity = torch.arange(9000).repeat_interleave(2)
    found, spread = [], []
    for i in range(100):
        rows = slice(180 * i, 180 * (i + 1))
        tiles = count_pairs(x[rows], identity[rows], "cosine")[0]
        errors, group = find_errors(tiles, 0.6), tiles.subject.numpy() % 2
        found.append(errors.rates(group, 2))
        spread.append(errors.drawn_rates(group, 2, 60, i).std(0))
    fmr, fnmr = np.mean(spread, 0) / np.std(found, 0)
    assert fnmr == pytest.approx(1, abs=0.2)
    assert (fmr > 0.9).all()
    assert (fmr < 2**0.5 * 1.2).all(), "the chance of a pair counts twice where false matches are few"


def test_without_samples_there_is_nothing():
    embedding, identity = faces(20, 5)
    tiles = count_pairs(embedding, identity, "cosine")[0]
    none = find_errors(tiles.take(tiles.subject < 0), 0.5)
    assert none.rates(np.empty(0, np.int64), 0).shape == (2, 0)
    assert rate_intervals(none, np.empty(0, np.int64), 0, 10, 0)["fmr_low"] == []
