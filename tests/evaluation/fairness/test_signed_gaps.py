from dataclasses import replace

import numpy as np
import pytest
from fairlearn.metrics import equalized_odds_difference

from evaluation.fairness.group_rates import group_table
from evaluation.fairness.signed_gaps import MEASURES, pooled_rates, signed_gaps, summary
from tests.support.biased_people import random_answers

ANSWERS = random_answers()


def test_the_gap_is_group_1_minus_group_0():
    table = signed_gaps(ANSWERS)
    assert table.columns.tolist() == ["measure", "gap", "low", "high"]
    assert table["measure"].tolist() == list(MEASURES)
    zero, one = (ANSWERS.group == 0), (ANSWERS.group == 1)
    accepted, positive = ANSWERS.prediction == 1, ANSWERS.target == 1
    expected = {
        "tpr": accepted[one & positive].mean() - accepted[zero & positive].mean(),
        "fpr": accepted[one & ~positive].mean() - accepted[zero & ~positive].mean(),
        "accuracy": (accepted == positive)[one].mean() - (accepted == positive)[zero].mean(),
        "selection_rate": accepted[one].mean() - accepted[zero].mean(),
    }
    found = table.set_index("measure")
    for measure, gap in expected.items():
        assert found.loc[measure, "gap"] == pytest.approx(gap), measure
    assert (found["low"] < found["gap"]).all()
    assert (found["gap"] < found["high"]).all()
    assert found.loc["selection_rate", "low"] > 0  # scores favour group 1 by half a deviation


def test_swapped_groups_turn_gaps_and_intervals_round():
    table, swapped = signed_gaps(ANSWERS), signed_gaps(replace(ANSWERS, group=1 - ANSWERS.group))
    np.testing.assert_allclose(swapped["gap"], -table["gap"], atol=1e-12)
    np.testing.assert_allclose(swapped["low"], -table["high"], atol=1e-12)
    np.testing.assert_allclose(swapped["high"], -table["low"], atol=1e-12)


def test_the_interval_of_no_gap_contains_0():
    evened = replace(
        ANSWERS, group=np.random.default_rng(0).permutation(ANSWERS.subject.max() + 1)[ANSWERS.subject] % 2
    )
    table = signed_gaps(evened)
    assert ((table["low"] < 0) & (table["high"] > 0)).all()


def test_pooled_rates_are_a_group_table():
    table = pooled_rates(ANSWERS)
    counts = ANSWERS.counts(np.zeros_like(ANSWERS.draw), 1)[0]
    wilson = group_table(counts, ANSWERS.groups, 1)
    assert table.columns.tolist() == [*wilson.columns, "auc", "auc_low", "auc_high"]
    assert table["group"].tolist() == ["all samples", *ANSWERS.groups]
    assert table["n"].tolist() == [900, *wilson["n"]]
    overall = group_table(counts.sum(0, keepdims=True), ["all samples"], 1)
    for rate in ("accuracy", "tpr", "fpr", "tnr", "selection_rate"):
        np.testing.assert_allclose(table[rate], [*overall[rate], *wilson[rate]])
        # the answers of three draws are not three times as many people
        assert (table[f"{rate}_high"] - table[f"{rate}_low"])[0] > 1.2 * (
            overall[f"{rate}_high"] - overall[f"{rate}_low"]
        )[0]
        assert table[rate].between(table[f"{rate}_low"], table[f"{rate}_high"]).all()


def test_the_summary_has_both_definitions_and_the_equalised_odds():
    found, gaps = summary(ANSWERS), signed_gaps(ANSWERS).set_index("measure")["gap"]
    assert found["accuracy"] == (ANSWERS.prediction == ANSWERS.target).mean()
    assert found["auc"] == pytest.approx(pooled_rates(ANSWERS)["auc"][0])
    assert found["equal_opportunity"] == pytest.approx(100 * abs(gaps["tpr"]))
    assert found["equal_opportunity_annex"] == pytest.approx(100 - 100 * abs(gaps["tpr"]))
    assert found["equalised_odds_gap"] == pytest.approx(
        equalized_odds_difference(ANSWERS.target, ANSWERS.prediction, sensitive_features=ANSWERS.group)
    )
