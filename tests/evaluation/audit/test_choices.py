import numpy as np
import pandas as pd
import pytest

from evaluation.audit.choices import choose_representations

NAMES = ["x", "phi", "psi"]
MEASURES = {
    "val_accuracy": [0.90, 0.85, 0.60],
    "val_worst_group_accuracy": [0.50, 0.70, 0.58],
    "val_tpr_gap": [0.40, 0.20, 0.00],
    "val_leakage": [0.95, 0.70, 0.52],
    "test_accuracy": [0.80, 0.85, 0.62],
    "test_worst_group_accuracy": [0.52, 0.55, 0.60],
    "test_tpr_gap": [0.35, 0.30, 0.02],
    "test_leakage": [0.93, 0.72, 0.66],
}
TEST = [name for name in MEASURES if name.startswith("test_")]


def candidates(attribute="smiling", **changed) -> pd.DataFrame:
    return pd.DataFrame({"representation": NAMES, "attribute": attribute, **MEASURES, **changed})


def chosen(table, limit=0.71) -> dict[str, str]:
    found = choose_representations(table, limit)
    return dict(zip(found["rule"], found["representation"], strict=True))


def test_each_rule_chooses_by_validation_and_each_oracle_by_test():
    assert chosen(candidates()) == {
        "best accuracy": "x",
        "worst group": "phi",
        "distance to optimum": "phi",  # distances .40, .21, .30 to (.90, .00)
        "most accuracy with leakage <= 0.71": "phi",
        "oracle (worst group)": "psi",
        "oracle (distance to optimum)": "psi",  # .33, .28, .23 to (.85, .02)
        "oracle (most accuracy with leakage <= 0.71)": "psi",  # phi leaks .72 of the test people
    }


def test_the_row_holds_what_the_choice_gives_on_both_sides():
    found = choose_representations(candidates(), None)
    assert found.columns.tolist() == ["representation", "attribute", "rule", "bound", *MEASURES]
    assert found["bound"].tolist() == [False, False, False, True, True]
    for row in found.to_dict("records"):
        place = NAMES.index(row["representation"])
        assert {name: row[name] for name in MEASURES} == {name: v[place] for name, v in MEASURES.items()}


@pytest.mark.parametrize("seed", range(10))
def test_the_test_people_change_only_what_oracles_choose(seed):
    order = np.random.default_rng(seed).permutation(3)
    permuted = {name: np.array(MEASURES[name])[order] for name in TEST}
    before, after = chosen(candidates()), chosen(candidates(**permuted))
    for rule in before:
        if rule.startswith("oracle"):
            assert NAMES.index(before[rule]) == order[NAMES.index(after[rule])]
        else:
            assert after[rule] == before[rule]


def test_a_limit_that_none_keeps_is_reported():
    found = choose_representations(candidates(), 0.6).set_index("rule")
    assert found["representation"].isna().to_dict() == {
        **{"best accuracy": False, "worst group": False, "distance to optimum": False},
        "most accuracy with leakage <= 0.6": False,
        **{"oracle (worst group)": False, "oracle (distance to optimum)": False},
        "oracle (most accuracy with leakage <= 0.6)": True,  # psi leaks .52, then .66
    }
    nothing = found.loc["oracle (most accuracy with leakage <= 0.6)"]
    assert nothing[list(MEASURES)].isna().all()
    assert nothing["attribute"] == "smiling"
    assert found["bound"].dtype == bool
    unknown = chosen(candidates(val_leakage=np.nan))
    assert pd.isna(unknown["most accuracy with leakage <= 0.71"]), "too few people to know"
    assert unknown["worst group"] == "phi"


def test_each_attribute_is_chosen_for_alone():
    swapped = {name: values[::-1] for name, values in MEASURES.items()}
    table = pd.concat([candidates(), candidates("gender", **swapped)]).sort_values("representation")
    found = choose_representations(table, None)
    best = found[found["rule"] == "best accuracy"].set_index("attribute")["representation"]
    assert best.to_dict() == {"smiling": "x", "gender": "psi"}
    assert len(found) == 10
