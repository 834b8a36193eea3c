import math

import numpy as np
import pytest
import torch

from evaluation.verification.error_rates import count_errors
from evaluation.verification.group_errors import find_errors, rate_intervals
from evaluation.verification.pair_scores import count_pairs
from tests.support.verification_sets import METRICS, all_scores, faces


def bootstrap_rates(tiles, threshold, draws, seed):
    """Ends of the intervals of all samples as one group: FMR, then FNMR."""
    one_group = np.zeros(len(tiles), np.int64)
    found = rate_intervals(find_errors(tiles, threshold), one_group, 1, draws, seed)
    return tuple(ends[0] for ends in found.values())


def brute_rates(embedding, identity, threshold, draws, exact):
    """95 % intervals of FMR and FNMR, pair by pair: an impostor pair counts w_p * w_q or w_p + w_q - 1."""
    unit = torch.nn.functional.normalize(embedding.double()).numpy()
    who = identity.unique(return_inverse=True)[1].numpy()
    i, j = np.triu_indices(len(who), 1)
    same, accepted = who[i] == who[j], (unit @ unit.T)[i, j] >= threshold
    people, results = len(np.unique(who)), []
    for times in np.random.default_rng(0).multinomial(people, np.full(people, 1 / people), size=draws):
        one, other = times[who[i]], times[who[j]]
        weight = np.where(same, one, one * other if exact else one + other - 1)
        wrong = [weight[~same & accepted].sum(), weight[same & ~accepted].sum()]
        results.append((wrong[0] / weight[~same].sum(), wrong[1] / weight[same].sum()))
    return np.quantile(results, [0.025, 0.975], axis=0).T.ravel()


@pytest.mark.slow
@pytest.mark.parametrize("threshold", [0.3, 0.6])
def test_intervals_of_rates_are_those_of_drawing_people(threshold):
    embedding, identity = faces(400, 100, d=8, noise=0.8, seed=3)
    embedding[:, 0] += 2 * torch.sin(7.0 * identity)  # some people look like many others
    tiles = count_pairs(embedding, identity, "cosine")[0]
    found = bootstrap_rates(tiles, threshold, 400, 0)
    assert found == pytest.approx(brute_rates(embedding, identity, threshold, 400, exact=False))
    exact = brute_rates(embedding, identity, threshold, 400, exact=True)
    assert found[2:] == pytest.approx(exact[2:])
    assert found[:2] == pytest.approx(exact[:2], abs=0.2 * (exact[1] - exact[0]))


def test_a_group_has_the_intervals_it_has_alone():
    embedding, identity = faces(200, 40)
    some = identity % 3 == 1
    whole, alone = (
        count_pairs(*x, "cosine")[0] for x in ((embedding, identity), (embedding[some], identity[some]))
    )
    part = whole.take(some[whole.order])
    assert bootstrap_rates(part, 0.5, 100, 0) == bootstrap_rates(alone, 0.5, 100, 0)


@pytest.mark.parametrize("metric", METRICS)
def test_rates_of_draws_of_everybody_are_the_rates_themselves(metric, monkeypatch):
    class Once:
        def multinomial(self, n, p, size):
            return np.ones((size, n), int)

    monkeypatch.setattr(np.random, "default_rng", lambda seed: Once())
    embedding, identity = faces(200, 40)
    tiles, counts = count_pairs(embedding, identity, metric)
    place = int(np.searchsorted(counts.fnmr, 0.3))
    fmr_low, fmr_high, fnmr_low, fnmr_high = bootstrap_rates(tiles, counts.threshold[place], 3, 0)
    assert fmr_low == fmr_high == pytest.approx(counts.fmr[place], abs=1e-12)
    assert fnmr_low == fnmr_high == pytest.approx(counts.fnmr[place], abs=1e-12)


def test_a_rate_without_errors_or_pairs_has_no_interval():
    embedding, identity = faces(100, 20, noise=0.5)
    tiles = count_pairs(embedding, identity, "cosine")[0]
    assert all(map(math.isnan, bootstrap_rates(tiles, 2.0, 50, 0)))  # accepts nothing: FMR 0, FNMR 1
    assert all(map(math.isnan, bootstrap_rates(tiles.take(tiles.subject < 2), 0.5, 50, 0)))
    assert all(map(math.isnan, bootstrap_rates(tiles, 0.5, 0, 0)))
    once = count_pairs(embedding, torch.arange(100), "cosine")[0]
    fmr_low, fmr_high, fnmr_low, _ = bootstrap_rates(once, 0.5, 50, 0)
    assert 0 < fmr_low < fmr_high
    assert math.isnan(fnmr_low)


def test_few_false_matches_make_no_negative_rate():
    x = torch.eye(10).double()
    x[1] = x[0] + 0.1 * x[1]
    found = bootstrap_rates(count_pairs(x, torch.arange(10), "cosine")[0], 0.9, 200, 0)
    assert found[0] == 0 < found[1] < 0.2


@pytest.mark.slow
def test_intervals_of_rates_have_their_coverage():
    """60 people of a population whose rates are nearly those of 1,000."""

    def people(count, seed):
        generator = torch.Generator().manual_seed(seed)
        centre = torch.randn(count, 8, generator=generator) + torch.tensor([1.0] + 7 * [0.0])
        return (
            centre.repeat_interleave(3, 0) + 0.6 * torch.randn(3 * count, 8, generator=generator),
            torch.arange(count).repeat_interleave(3),
        )

    counts = count_errors(*all_scores(*people(1000, 0), "cosine"), [0.8])
    place = int(np.searchsorted(counts.threshold, 0.8))
    truth = np.array([counts.fmr[place], counts.fnmr[place]])
    found = [bootstrap_rates(count_pairs(*people(60, s), "cosine")[0], 0.8, 200, s) for s in range(1, 151)]
    low, high = np.array(found)[:, ::2], np.array(found)[:, 1::2]
    held = ((low <= truth) & (truth <= high)).mean(0)
    assert (held > 0.88).all()
    assert (held < 1).all()
