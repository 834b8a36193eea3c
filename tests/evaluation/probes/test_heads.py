import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from evaluation.probes.heads import HEADS, head_scores

RNG = np.random.default_rng(0)
X, X_TEST = RNG.normal(size=(2, 400, 3))
CURVED, CURVED_TEST = ((x[:, 0] * x[:, 1] > 0).astype(int) for x in (X, X_TEST))
STRAIGHT, STRAIGHT_TEST = ((x[:, 0] > 0).astype(int) for x in (X, X_TEST))


@pytest.mark.slow
@pytest.mark.parametrize("head", HEADS)
def test_scores_rank_the_positives_above(head):
    score = head_scores(head, X, STRAIGHT, X_TEST, 0)
    assert score.shape == (400,)
    assert score.dtype == np.float64
    assert ((score >= 0) & (score <= 1)).all()
    assert roc_auc_score(STRAIGHT_TEST, score) > 0.98
    flipped = head_scores(head, X, 1 - STRAIGHT, X_TEST, 0)
    assert roc_auc_score(STRAIGHT_TEST, flipped) < 0.02


def test_only_the_mlp_reads_a_product():
    found = {head: roc_auc_score(CURVED_TEST, head_scores(head, X, CURVED, X_TEST, 0)) for head in HEADS}
    assert found["mlp"] > 0.95
    assert found["linear"] < 0.6


@pytest.mark.slow
def test_the_seed_is_all_that_chance_depends_on():
    np.random.seed(1)  # noqa: NPY002  # the state that nothing may read
    first = head_scores("mlp", X[:50], STRAIGHT[:50], X_TEST, 3)
    np.random.seed(2)  # noqa: NPY002  # the state that nothing may read
    np.testing.assert_array_equal(head_scores("mlp", X[:50], STRAIGHT[:50], X_TEST, 3), first)
    assert not np.array_equal(head_scores("mlp", X[:50], STRAIGHT[:50], X_TEST, 4), first)
