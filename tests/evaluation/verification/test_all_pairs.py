import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from sklearn.metrics import roc_auc_score, roc_curve
from torch.nn.functional import normalize

from evaluation.verification.all_pairs import verification
from tests.support.verification_sets import faces


def oracle(embedding, identity):
    unit = normalize(embedding.double()).numpy()
    i, j = np.triu_indices(len(unit), 1)
    score, same = (unit[i] * unit[j]).sum(1), (identity[i] == identity[j]).numpy()
    fmr, tmr, _ = roc_curve(same, score.round(12), drop_intermediate=False)
    eer = brentq(lambda x: 1 - x - np.interp(x, fmr, tmr), 0, 1, xtol=1e-14)
    return roc_auc_score(same, score.round(12)), eer, int(same.sum()), int((~same).sum())


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.floats(0.1, 4), st.integers(8, 70))
def test_equals_sklearn_on_all_pairs(seed, noise, n):
    embedding, identity = faces(n, people=4, noise=noise, seed=seed)
    assert verification(embedding, identity) == pytest.approx(oracle(embedding, identity), abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000))
def test_equals_sklearn_with_many_ties(seed):
    generator = torch.Generator().manual_seed(seed)
    embedding = torch.randint(1, 3, (20, 2), generator=generator).float()
    identity = torch.arange(20) // 4
    assert verification(embedding, identity) == pytest.approx(oracle(embedding, identity), abs=1e-9)


def test_perfect_separation():
    embedding, identity = faces(noise=1e-3)
    result = verification(embedding, identity)
    assert (result.auc, result.eer) == (1, 0)


def test_inverted_scores_are_as_wrong_as_can_be():
    embedding = torch.tensor([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    result = verification(embedding, torch.tensor([0, 0, 1, 1]))
    assert result == (0, 1, 2, 4)


def test_random_embeddings_are_at_chance():
    generator = torch.Generator().manual_seed(0)
    embedding, identity = torch.randn(600, 16, generator=generator), torch.arange(600) // 6
    result = verification(embedding, identity)
    assert result.auc == pytest.approx(0.5, abs=0.03)
    assert result.eer == pytest.approx(0.5, abs=0.03)


def test_by_hand():
    # angles in degrees; genuine pairs 20 and 50 apart, impostor pairs 40, 60, 90, 110
    angle = torch.deg2rad(torch.tensor([0.0, 20, 60, 110]))
    embedding = torch.stack([angle.cos(), angle.sin()], 1)
    result = verification(embedding, torch.tensor([0, 0, 1, 1]))
    assert (result.genuine, result.impostor) == (2, 4)
    assert result.auc == 7 / 8  # only (50 genuine, 40 impostor) is in the wrong order
    assert result.eer == pytest.approx(1 / 4)  # at 40 to 50 degrees FMR is 1/4 while FNMR falls from 1/2 to 0


@pytest.mark.parametrize("scale", [1.0, 1e-6, 37.0])
def test_one_vector_for_all_is_chance(scale):
    embedding = scale * torch.randn(1, 128, generator=torch.Generator().manual_seed(1)).repeat(50, 1)
    result = verification(embedding, torch.arange(50) // 5)
    assert (result.auc, result.eer) == (0.5, 0.5)


def test_scale_rotation_and_order_do_not_matter():
    embedding, identity = faces()
    expected = verification(embedding, identity)
    generator = torch.Generator().manual_seed(1)
    scale = 10 ** torch.empty(len(identity), 1).uniform_(-20, 20, generator=generator)
    rotation = torch.linalg.qr(torch.randn(8, 8, generator=generator, dtype=torch.float64)).Q
    order = torch.randperm(len(identity), generator=generator)
    for other, who in (
        (embedding * scale, identity),
        (embedding.double() @ rotation, identity),
        (embedding[order], identity[order]),
    ):
        assert verification(other, who) == pytest.approx(expected, abs=1e-9)


def test_unknown_identities_are_ignored_whatever_they_hold():
    embedding, identity = faces()
    padded = torch.cat([torch.full((2, 8), math.nan), embedding, torch.zeros(3, 8)])
    unknown = torch.tensor([-1])
    result = verification(padded, torch.cat([unknown.repeat(2), identity, unknown.repeat(3)]))
    assert result == verification(embedding, identity)


@pytest.mark.parametrize(
    ("identity", "pairs"),
    [([0, 0, 0], (3, 0)), ([0, 1, 2], (0, 3)), ([-1, -1, 3], (0, 0)), ([-1] * 3, (0, 0))],
)
def test_without_both_kinds_of_pairs_nothing_is_defined(identity, pairs):
    result = verification(torch.eye(3), torch.tensor(identity))
    assert math.isnan(result.auc)
    assert math.isnan(result.eer)
    assert (result.genuine, result.impostor) == pairs


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0.0, "1 of 60 embeddings are zero"),
        (math.nan, "1 of 60 embeddings are not finite"),
        (math.inf, "not finite"),
    ],
)
def test_embeddings_without_a_direction_are_refused(value, message):
    embedding, identity = faces()
    embedding[3] = value
    with pytest.raises(ValueError, match=message):
        verification(embedding, identity)


def test_shapes_are_checked():
    with pytest.raises(ValueError, match=r"got \(3, 3\) and \(2,\)"):
        verification(torch.eye(3), torch.tensor([0, 1]))
