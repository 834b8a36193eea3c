import math

import numpy as np
import pytest
import torch

from evaluation.verification.error_rates import auc, eer
from evaluation.verification.pair_bootstrap import Intervals, auc_and_eer_intervals, draw_auc_and_eer
from evaluation.verification.pair_scores import count_pairs, score_pairs
from tests.support.verification_sets import METRICS, all_scores, faces


def bootstrap_auc_and_eer(*arguments):
    return auc_and_eer_intervals(draw_auc_and_eer(*arguments))


def brute_force(embedding, identity, draws, group=None):
    """AUC and EER (draws, 2) of samples drawn by people, pairs of two copies of a person left out."""
    group = np.zeros(len(identity)) if group is None else group
    rng = np.random.default_rng(1)
    unit = torch.nn.functional.normalize(embedding.double()).numpy()
    cosine, who = unit @ unit.T, identity.numpy()
    i, j = np.triu_indices(len(who), 1)
    same, counted = who[i] == who[j], group[i] == group[j]
    score, results = cosine[i, j], []
    order = np.argsort(score)
    people = len(np.unique(who))
    for _ in range(draws):
        times = np.bincount(rng.integers(people, size=people), minlength=people)
        weight = np.where(same, times[who[i]], times[who[i]] * times[who[j]])[order]
        genuine, impostor = weight * same[order], weight * (~same & counted)[order]
        below, fnmr = np.cumsum(impostor) / impostor.sum(), np.cumsum(genuine) / genuine.sum()
        area = (genuine * (below - impostor / impostor.sum() / 2)).sum() / genuine.sum()
        at = np.argmax(1 - below < fnmr)
        results.append((area, (1 - below[at] + fnmr[at]) / 2))
    return np.array(results)


def test_intervals_are_those_of_drawing_people():
    embedding, identity = faces(300, 100, d=16, noise=1.6, seed=3)
    identity = identity.unique(return_inverse=True)[1]
    tiles, counts = count_pairs(embedding, identity, "cosine")
    found = bootstrap_auc_and_eer(tiles, counts, 2000, 0)
    low, high = np.quantile(brute_force(embedding, identity, 400), [0.025, 0.975], axis=0)
    for name, figure, k in (("auc", auc(counts), 0), ("eer", eer(counts), 1)):
        ours = getattr(found, f"{name}_low"), getattr(found, f"{name}_high")
        width = high[k] - low[k]
        assert ours[0] < figure < ours[1]
        assert ours[1] - ours[0] == pytest.approx(width, rel=0.2)
        assert ours == pytest.approx((low[k], high[k]), abs=0.2 * width)


def test_more_images_narrow_it_less_than_more_people():
    embedding, identity = faces(200, 50, d=16, noise=1.5)
    copies = embedding.repeat(4, 1) + 1e-3 * torch.randn(800, 16, generator=torch.Generator().manual_seed(4))
    widths = []
    for x, who in ((embedding, identity), (copies, identity.repeat(4))):
        found = bootstrap_auc_and_eer(*count_pairs(x, who, "cosine"), 500, 0)
        widths.append(found.eer_high - found.eer_low)
    assert widths[1] > 0.7 * widths[0], "sixteen times the pairs would quarter it"


def test_intervals_within_groups_are_those_of_drawing_people():
    embedding, identity = faces(300, 100, d=16, noise=1.6, seed=3)
    identity = identity.unique(return_inverse=True)[1]
    group = np.random.default_rng(0).integers(3, size=300)
    summary = score_pairs(embedding, identity, draws=2000, group=group).summary().iloc[0]
    low, high = np.quantile(brute_force(embedding, identity, 400, group), [0.025, 0.975], axis=0)
    for k, name in enumerate(("auc", "eer")):
        width = high[k] - low[k]
        assert summary[f"{name}_low"] < summary[name] < summary[f"{name}_high"]
        ends = summary[[f"{name}_low", f"{name}_high"]].tolist()
        assert ends == pytest.approx([low[k], high[k]], abs=0.2 * width)


@pytest.mark.parametrize("metric", METRICS)
def test_draws_of_everybody_once_are_the_figures_themselves(metric, monkeypatch):
    class Once:
        def multinomial(self, n, p, size):
            return np.ones((size, n), int)

    monkeypatch.setattr(np.random, "default_rng", lambda seed: Once())
    embedding, identity = faces(300, 50, noise=1.5)
    tiles, counts = count_pairs(embedding, identity, metric)
    found = bootstrap_auc_and_eer(tiles, counts, 3, 0)
    assert found.auc_low == found.auc_high == pytest.approx(auc(counts), abs=2e-4)
    assert found.eer_low == found.eer_high == pytest.approx(eer(counts), abs=2e-3)
    assert len(np.concatenate(all_scores(embedding, identity, metric))) == counts.genuine + counts.impostor


def test_the_seed_fixes_it():
    embedding, identity = faces(100, 20)
    found = [bootstrap_auc_and_eer(*count_pairs(embedding, identity, "cosine"), 50, s) for s in (0, 0, 1)]
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize(("identity", "draws"), [([0, 0, 1, 1], 10), ([0, 1, 2, 3], 10), ([0, 0, 1, 2], 0)])
def test_two_people_no_genuine_pair_or_no_draws_give_nan(identity, draws):
    found = bootstrap_auc_and_eer(*count_pairs(torch.eye(4), torch.tensor(identity), "cosine"), draws, 0)
    assert len(found) == len(Intervals._fields)
    assert all(map(math.isnan, found))


def test_draws_without_a_genuine_pair_are_left_out():
    embedding, identity = faces(60, 3)
    identity[identity > 0] = torch.arange(int((identity > 0).sum())) + 1  # one person has several images
    found = bootstrap_auc_and_eer(*count_pairs(embedding, identity, "cosine"), 300, 0)
    assert not any(map(math.isnan, found))


def test_no_end_is_an_area_or_a_rate_that_there_is_not():
    embedding, identity = faces(12, 4, d=16, noise=1.0)
    tiles, counts = count_pairs(embedding, identity.unique(return_inverse=True)[1], "cosine")
    found = bootstrap_auc_and_eer(tiles, counts, 200, 0)
    assert 0.9 < auc(counts) < 1
    for name in ("auc_low", "auc_high", "eer_low", "eer_high"):
        assert 0 <= getattr(found, name) <= 1
