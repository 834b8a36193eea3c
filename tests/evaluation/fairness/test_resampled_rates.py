from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from evaluation.fairness.group_rates import RATES
from evaluation.fairness.predictions import Predictions
from evaluation.fairness.resampled_rates import resampled_rates
from evaluation.samples.subject_bootstrap import percentile_interval
from tests.support.biased_people import random_answers

ANSWERS = random_answers()


def single_answers(n=400, people=None):
    """One draw; 3 of 8 answers in each cell of group x target are 1; a person each, unless given."""
    cell = np.arange(n) % 4
    prediction = (np.arange(n) // 4 % 8 < 3).astype(int)
    return Predictions(
        draw=np.zeros(n, int),
        subject=np.arange(n) if people is None else people,
        group=cell // 2,
        target=cell % 2,
        score=prediction.astype(float),
        prediction=prediction,
        groups=("no", "yes"),
        n_train=10,
    )


def again(answers, times, *, same_people=True, draws=False):
    """Every answer several times: by the same person or others, in the same draw or one each."""
    copy = np.repeat(np.arange(times), len(answers.draw))
    tiled = {
        name: np.tile(getattr(answers, name), times) for name in ("group", "target", "score", "prediction")
    }
    person, draw = np.tile(answers.subject, times), np.tile(answers.draw, times)
    shift = 0 if same_people else copy * (answers.subject.max() + 1)
    return replace(answers, subject=person + shift, draw=draw + copy if draws else draw, **tiled)


def width(answers, measure="tpr"):
    low, high = percentile_interval(np.diff(resampled_rates(answers)[measure])[1:, 0])
    return high - low


def test_the_first_row_is_the_mean_of_the_rates():
    found = resampled_rates(ANSWERS, replicates=0)
    expected = ANSWERS.rates().groupby("group")[[*RATES, "auc"]].mean()
    for name, rate in found.items():
        assert rate.shape == (1, 2)
        # each draw has a few answers more or less in a cell than the others
        np.testing.assert_allclose(rate[0], expected[name], atol=0.01)
    one = replace(
        ANSWERS,
        **{
            c: getattr(ANSWERS, c)[ANSWERS.draw == 0]
            for c in ("draw", "subject", "group", "target", "score", "prediction")
        },
    )
    for name, rate in resampled_rates(one, replicates=0).items():
        np.testing.assert_allclose(rate[0], one.rates()[name], rtol=1e-12)


def test_all_samples_together():
    found = resampled_rates(ANSWERS, replicates=0, by_group=False)
    per_draw = [
        roc_auc_score(ANSWERS.target[ANSWERS.draw == d], ANSWERS.score[ANSWERS.draw == d]) for d in range(3)
    ]
    assert found["auc"].shape == (1, 1)
    assert found["auc"][0, 0] == pytest.approx(np.mean(per_draw), abs=1e-3)
    assert found["accuracy"][0, 0] == (ANSWERS.target == ANSWERS.prediction).mean()


def test_a_replicate_is_the_rates_of_the_people_drawn():
    one = single_answers(80, people=np.arange(80) // 5)
    one = replace(one, score=np.round(np.random.default_rng(0).normal(size=80) + one.target, 1))
    found = resampled_rates(one, seed=5, replicates=20)
    rng = np.random.default_rng(5)
    for replicate in range(1, 21):
        drawn, _ = rng.integers(16, size=16), rng.integers(1, size=1)  # people, then draws
        rows = np.concatenate([np.flatnonzero(one.subject == person) for person in drawn])
        for group in (0, 1):
            mine = rows[one.group[rows] == group]
            target, prediction, score = one.target[mine], one.prediction[mine], one.score[mine]
            assert found["tpr"][replicate, group] == pytest.approx(prediction[target == 1].mean())
            assert found["accuracy"][replicate, group] == pytest.approx((target == prediction).mean())
            assert found["auc"][replicate, group] == pytest.approx(roc_auc_score(target, score))


def test_the_width_is_that_of_binomial_samples():
    # 100 answers a cell, 3/8 of them positive
    assert width(single_answers()) == pytest.approx(2 * 1.96 * np.sqrt(2 * 3 / 8 * 5 / 8 / 100), rel=0.12)


def test_more_answers_of_the_same_people_narrow_nothing():
    once = single_answers()
    assert width(again(once, 4)) == width(once)
    assert width(again(once, 4, same_people=False)) == pytest.approx(width(once) / 2, rel=0.15)


def test_the_same_answers_in_more_draws_narrow_nothing():
    once = single_answers()
    assert width(again(once, 5, draws=True)) == pytest.approx(width(once), rel=0.12)


def test_draws_that_disagree_widen_the_interval():
    once = again(single_answers(people=np.arange(400)), 2, draws=True)
    for_group_1 = np.where(once.draw == once.group, once.target, 1 - once.target)
    disagree = replace(once, prediction=for_group_1)  # the first serves one group, the second the other
    gaps = np.diff(resampled_rates(disagree)["tpr"])[:, 0]
    assert gaps[0] == 0
    assert percentile_interval(gaps[1:]) == (-1, 1)


@pytest.mark.slow
def test_few_draws_vary_as_much_as_new_ones_would():
    """The mean gap of 2 draws has half the variance of a gap; resampling 2 of 2 draws shows a quarter."""
    one = single_answers(4000)
    rng, found = np.random.default_rng(0), []
    for _ in range(60):
        two = again(one, 2, draws=True)
        better = rng.integers(2, size=2)  # each classifier serves one group or the other, at random
        serves = better[two.draw] == two.group
        gaps = np.diff(resampled_rates(replace(two, prediction=two.target * serves), replicates=40)["tpr"])
        found.append(gaps[1:, 0].var())
    # a gap of +-1 has variance 1, the mean of two 1/2
    assert np.mean(found) == pytest.approx(1 / 2, abs=0.13)


def test_neither_order_nor_names_of_people_matter():
    order = np.random.default_rng(0).permutation(len(ANSWERS.draw))
    columns = ("draw", "subject", "group", "target", "score", "prediction")
    shuffled = replace(ANSWERS, **{name: getattr(ANSWERS, name)[order] for name in columns})
    renamed = replace(ANSWERS, subject=ANSWERS.subject * 3 - 50)
    first = resampled_rates(ANSWERS, replicates=50)
    for other in (shuffled, renamed):
        for name, rate in resampled_rates(other, replicates=50).items():
            np.testing.assert_array_equal(rate, first[name])
    assert not np.array_equal(resampled_rates(ANSWERS, seed=1, replicates=50)["tpr"], first["tpr"])


def test_a_replicate_without_a_cell_is_left_out_of_the_interval():
    few = single_answers(8, people=np.arange(8))
    rates = resampled_rates(few, replicates=200)
    assert np.isnan(rates["tpr"]).any()
    assert np.isnan(rates["auc"]).any()
    assert np.isfinite(percentile_interval(rates["tpr"][1:, 0])).all()
