import numpy as np
import pytest
import torch

from evaluation.probes import probability_probes
from evaluation.probes.attacker_table import PROBABILITY_FAMILIES
from evaluation.probes.probability_probes import _best_step, class_shares, probabilities
from tests.support.known_leaks import leaking

SHOWN, UNSEEN = leaking("linear", people=60), leaking("linear", people=60, seed=1)


def ask(family, samples=SHOWN, classes=2, seed=0):
    return probabilities(
        family, samples.embedding, samples.label, samples.identity, UNSEEN.embedding, classes, seed
    )


def test_class_shares_by_hand():
    assert class_shares(np.array([0, 0, 2]), 3).tolist() == [3 / 6, 1 / 6, 2 / 6]


@pytest.mark.parametrize("family", PROBABILITY_FAMILIES)
def test_probabilities_mean_what_they_say(family):
    found = ask(family)
    np.testing.assert_allclose(found.sum(1), 1)
    assert found.min() >= 1e-4 * (1 - 1e-6)
    sure = np.maximum(found[:, 0], found[:, 1])
    right = found.argmax(1) == UNSEEN.label
    assert right.mean() > 0.8
    assert sure.mean() == pytest.approx(right.mean(), abs=0.06)


@pytest.mark.parametrize("family", PROBABILITY_FAMILIES)
def test_too_little_to_choose_by_leaves_the_class_shares(family):
    few = SHOWN._replace(identity=SHOWN.identity % 3)
    np.testing.assert_allclose(ask(family, few), [[0.5, 0.5]] * 360)
    one = SHOWN._replace(label=np.zeros(360, int))
    np.testing.assert_allclose(ask(family, one), [[361 / 362, 1 / 362]] * 360)


@pytest.mark.parametrize("family", PROBABILITY_FAMILIES)
def test_a_class_that_was_not_met_stays_possible(family):
    found = ask(family, classes=3)
    assert (found[:, 2] > 0).all()
    assert found[:, 2].max() < 0.01


def test_a_path_is_left_at_the_likeliest_step_after_patience():
    walked = []

    def path(shares):
        for share in shares:
            walked.append(share)
            yield np.array([[share, 1 - share]])

    assert _best_step(path([0.5, 0.6, 0.7, 0.7, 0.6]), np.array([0])) == 2
    walked.clear()
    shares = [0.5, 0.9, *[0.8] * 20, 0.99]
    assert _best_step(path(shares), np.array([0])) == 1
    assert len(walked) == 1 + 1 + 6
    assert _best_step(path([0.5, 0.4]), np.array([0])) == 0


def test_only_the_first_step_ignores_the_embedding():
    for family in PROBABILITY_FAMILIES:
        path = probability_probes._path(family, SHOWN.embedding, SHOWN.label, UNSEEN.embedding, 2, 0)
        assert (next(path) == 0.5).all()
        assert np.ptp(next(path)[:, 0]) > 0


@pytest.mark.slow
@pytest.mark.parametrize("family", PROBABILITY_FAMILIES)
def test_chance_depends_on_the_seed_and_disturbs_nobody(family):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = ask(family)
    assert (torch.get_rng_state() == before).all()
    torch.manual_seed(2)
    np.testing.assert_array_equal(ask(family), first)
    if family == "mlp":
        assert (ask(family, seed=1) != first).any()
