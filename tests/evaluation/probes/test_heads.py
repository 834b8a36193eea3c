import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from evaluation.probes.heads import HEADS, best_threshold, head_scores

RNG = np.random.default_rng(0)
X, X_TEST = RNG.normal(size=(2, 400, 3))
CURVED, CURVED_TEST = ((x[:, 0] * x[:, 1] > 0).astype(int) for x in (X, X_TEST))
STRAIGHT, STRAIGHT_TEST = ((x[:, 0] > 0).astype(int) for x in (X, X_TEST))


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


def test_the_seed_is_all_that_chance_depends_on():
    np.random.seed(1)  # noqa: NPY002  # the state that nothing may read
    first = head_scores("mlp", X[:50], STRAIGHT[:50], X_TEST, 3)
    np.random.seed(2)  # noqa: NPY002  # the state that nothing may read
    np.testing.assert_array_equal(head_scores("mlp", X[:50], STRAIGHT[:50], X_TEST, 3), first)
    assert not np.array_equal(head_scores("mlp", X[:50], STRAIGHT[:50], X_TEST, 4), first)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=30))
def test_the_best_threshold_is_the_best_of_all(pairs):
    pairs = [*pairs, (3, True), (2, False)]
    score = np.array([s for s, _ in pairs], float)
    target = np.array([t for _, t in pairs]).astype(int)

    def balanced_accuracy(cut):
        return np.mean([(score[target == 1] >= cut).mean(), (score[target == 0] < cut).mean()])

    reached = balanced_accuracy(best_threshold(score, target))
    assert reached == pytest.approx(max(balanced_accuracy(cut) for cut in np.arange(-0.5, 7.5)))


def test_of_equal_thresholds_the_lowest():
    assert best_threshold(np.array([0.1, 0.2, 0.3, 0.4]), np.array([0, 1, 0, 1])) == 0.2
    # where scores run the wrong way, to accept or reject all is best
    assert best_threshold(np.array([0.1, 0.9]), np.array([1, 0])) == 0.1
