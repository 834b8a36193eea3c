import numpy as np
import pandas as pd
import pytest

from evaluation.fairness.candidates import Candidates
from evaluation.fairness.selection import BestAccuracy, DistanceToOptimum, MostUtility, Oracle, WorstGroup

RULES = [BestAccuracy(), WorstGroup(), DistanceToOptimum(), MostUtility(0.7)]
MEASURES = ["accuracy", "worst_group_accuracy", "tpr_gap", "leakage"]


def some_table(seed=0, n=8):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"delta_weight": np.arange(n) / 10, "val_rounds": 0.0, "test_rounds": 0.0})
    for measure in MEASURES:
        table[f"val_{measure}"], table[f"test_{measure}"] = rng.random((2, n))
    table["val_leakage"] *= 0.7
    return table


class Spy:
    """Chooses the first, and remembers and spoils what it saw."""

    name = "spy"

    def select(self, table):
        self.seen = table.copy()
        table["accuracy"] = -1.0
        return 0


@pytest.mark.parametrize("seed", range(20))
def test_the_test_changes_no_choice_but_the_oracles(seed):
    table = some_table(seed)
    chosen = Candidates(table).evaluate(RULES)["delta_weight"].tolist()
    other = table.assign(**{f"test_{m}": some_table(seed + 100)[f"test_{m}"] for m in MEASURES})
    assert Candidates(other).evaluate(RULES)["delta_weight"].tolist() == chosen
    spoilt = table.assign(**{name: float("nan") for name in table.columns if name.startswith("test_")})
    assert Candidates(spoilt).evaluate(RULES)["delta_weight"].tolist() == chosen


def test_the_oracle_follows_the_test_alone():
    table = some_table()
    best = int(table["test_accuracy"].argmax())
    assert best != table["val_accuracy"].argmax()
    for seed in range(5):
        changed = table.assign(val_accuracy=np.random.default_rng(seed).random(8))
        row = Candidates(changed).evaluate([Oracle(BestAccuracy())]).iloc[0]
        assert row["delta_weight"] == best / 10
    top = table.assign(test_accuracy=np.arange(8) == 5)
    assert Candidates(top).evaluate([Oracle(BestAccuracy())])["delta_weight"].item() == 0.5


def test_rules_are_given_the_validation_and_nothing_else():
    table = some_table()
    spy = Spy()
    result = Candidates(table).evaluate([spy, BestAccuracy()])
    assert spy.seen.columns.tolist() == ["rounds", *MEASURES]
    for measure in MEASURES:
        np.testing.assert_array_equal(spy.seen[measure], table[f"val_{measure}"])
    # what the spy spoilt was a copy
    assert result["delta_weight"][1] == table["val_accuracy"].argmax() / 10
    spy = Spy()
    Candidates(table).evaluate([Oracle(spy)])
    np.testing.assert_array_equal(spy.seen["accuracy"], table["test_accuracy"])


def test_the_result_is_the_chosen_rows():
    table = some_table().set_index(np.full(8, 4))
    result = Candidates(table).evaluate(RULES)
    assert result.columns.tolist() == ["rule", *table.columns]
    assert result["rule"].tolist() == [rule.name for rule in RULES]
    expected = table.iloc[table["val_worst_group_accuracy"].argmax()]
    pd.testing.assert_series_equal(
        result.iloc[1][table.columns], expected, check_names=False, check_dtype=False
    )


def test_the_test_is_opened_once():
    candidates = Candidates(some_table())
    WorstGroup().select(candidates.validation)  # as often as one likes
    with pytest.raises(ValueError, match="no measure f1"):
        candidates.evaluate([BestAccuracy(), MostUtility(1, utility="f1")])  # which opened nothing
    candidates.evaluate(RULES)
    with pytest.raises(RuntimeError, match="opened before"):
        candidates.evaluate(RULES)


def test_a_rule_that_takes_none_has_an_empty_row():
    table = some_table()
    result = Candidates(table).evaluate([MostUtility(-1), BestAccuracy(), Oracle(MostUtility(-1))])
    assert result["rule"].tolist()[::2] == [MostUtility(-1).name, Oracle(MostUtility(-1)).name]
    assert result[table.columns].isna().all(axis=1).tolist() == [True, False, True]
    assert result["delta_weight"][1] == table["val_accuracy"].argmax() / 10


def test_what_rules_do_with_the_validation_stays_theirs():
    candidates = Candidates(some_table())
    Spy().select(candidates.validation)
    assert (candidates.validation["accuracy"] >= 0).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"test_fpr": 0.0}, "of validation alone or of the test alone: fpr"),
        ({"val_auc": 0.0, "test_fpr": 0.0}, "alone: auc, fpr"),
    ],
)
def test_measures_need_both_sides(change, message):
    with pytest.raises(ValueError, match=message):
        Candidates(some_table().assign(**change))


@pytest.mark.parametrize("table", [pd.DataFrame({"lambda": [1.0]}), some_table()[:0]])
def test_candidates_without_measures_or_rows_are_refused(table):
    with pytest.raises(ValueError, match="candidates need rows, and columns val_"):
        Candidates(table)
