from dataclasses import replace

import numpy as np
import pytest

from evaluation.fairness.bias_sweep import BIASES, bias_sweep_gaps, bias_sweep_slopes, sweep_bias
from evaluation.fairness.predictions import Predictions
from evaluation.fairness.signed_gaps import MEASURES, signed_gaps
from tests.support.biased_people import optimal_gap, people, rows

PEOPLE = people(6000)


def run(representation="sees_group", **options):
    options = {"head": "linear", "draws": 3, "biases": (0.5, 0.7, 0.9)} | rows(PEOPLE) | options
    found = sweep_bias(PEOPLE, representation, "attractive", "smiling", **options)
    return {bias: answers.test for bias, answers in found.items()}


@pytest.fixture(scope="module")
def seen():
    return run()


@pytest.fixture(scope="module")
def table(seen):
    return bias_sweep_gaps(seen)


def test_the_response_is_that_of_theory(seen, table):
    assert table.columns.tolist() == ["bias", "measure", "gap", "low", "high", "n_train"]
    found = table[table["measure"] == "tpr"].set_index("bias")["gap"]
    for bias in (0.5, 0.7, 0.9):
        assert found[bias] == pytest.approx(optimal_gap(bias), abs=0.06)
    one = signed_gaps(seen[0.7])
    np.testing.assert_array_equal(table[table["bias"] == 0.7]["low"], one["low"])
    assert table["measure"].tolist() == 3 * list(MEASURES)


def test_the_biases_differ_in_nothing_but_the_bias(seen):
    (n_train,) = {answers.n_train for answers in seen.values()}
    cells = PEOPLE.split == 0
    largest = [
        ((PEOPLE.labels["attractive"] == label) & (PEOPLE.labels["smiling"] == label) & cells).sum()
        for label in (0, 1)
    ]
    assert n_train / 2 * 0.9 == pytest.approx(min(largest), abs=1)  # the strongest bias allows the fewest
    for answers in seen.values():
        np.testing.assert_array_equal(answers.subject, seen[0.5].subject)


@pytest.mark.slow
def test_slopes_are_least_squares(seen, table):
    slopes = bias_sweep_slopes(seen).set_index("measure")
    for measure in MEASURES:
        gap = table[table["measure"] == measure]["gap"]
        assert slopes.loc[measure, "slope"] == pytest.approx(np.polyfit([0.5, 0.7, 0.9], gap, 1)[0])
    assert slopes.loc["tpr", "low"] > 0.5
    assert slopes.loc["auc", "low"] < 0 < slopes.loc["auc", "high"]


@pytest.mark.slow
def test_a_representation_without_the_group_does_not_respond():
    slopes = bias_sweep_slopes(run("blind"))
    assert ((slopes["low"] < 0) & (slopes["high"] > 0)).all()
    assert (slopes["slope"].abs() < 0.1).all()


def told(accepted):
    """One answer a person; of 100 in each cell, group 1 has so many more accepted than 30 of group 0."""
    cell, place = np.arange(400) % 4, np.arange(400) // 4
    prediction = (place < 30 + accepted * (cell // 2)).astype(int)
    return Predictions(
        draw=np.zeros(400, int),
        subject=np.arange(400),
        group=cell // 2,
        target=cell % 2,
        score=prediction.astype(float),
        prediction=prediction,
        groups=("no", "yes"),
        n_train=4,
    )


def test_the_slope_knows_that_the_same_people_were_tested():
    exact = bias_sweep_slopes({0.5: told(0), 0.7: told(10), 0.9: told(20)}).set_index("measure").loc["tpr"]
    assert exact["slope"] == pytest.approx(0.5)  # 20 points of gap for 40 points of bias
    flat = bias_sweep_slopes({bias: told(10) for bias in (0.5, 0.9)})
    # the same answers at all biases: whoever is drawn, there is no slope
    np.testing.assert_allclose(flat[["slope", "low", "high"]], 0, atol=1e-12)


def test_what_has_no_slope_is_refused():
    with pytest.raises(ValueError, match="two biases or more, got 1"):
        bias_sweep_slopes({0.5: told(0)})
    others = replace(told(0), subject=np.arange(400) + 1)
    with pytest.raises(ValueError, match="different people or draws"):
        bias_sweep_slopes({0.5: told(0), 0.7: others})


def test_the_default_biases_go_from_none_to_nearly_all():
    assert BIASES[0] == 0.5
    assert BIASES[-1] == 0.95
    assert list(BIASES) == sorted(set(BIASES))


def test_an_unknown_attribute_is_refused():
    with pytest.raises(ValueError, match="no attribute beauty"):
        sweep_bias(PEOPLE, "blind", "beauty", "smiling", **rows(PEOPLE))
    with pytest.raises(ValueError, match="training rows: bias is 1.5"):
        run(biases=(0.5, 1.5))
