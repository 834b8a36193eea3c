import numpy as np
import pandas as pd
import pytest

from evaluation.audit import leakage_warnings as tested

HEALTHY = pd.Series({"samples": 3000, "dimensions": 512, "scale": 0.9, "effective_rank": 200.0})


def table(**changes):
    """Two attackers, standardised and raw, who read 60 and 70 %; `mlp_raw={...}` changes one row."""
    rows = {}
    for place, attacker in enumerate(("linear", "mlp")):
        for scaling in ("standardised", "raw"):
            score = 0.6 + 0.1 * place
            rows[f"{attacker}_{scaling}"] = {
                **{"attacker": attacker, "scaling": scaling, "accuracy": score, "balanced_accuracy": score},
                **{"low": score - 0.04, "high": score + 0.04, "chance": 0.5, "majority": 0.52},
                **{"n": 3000, "people": 1500, "n_train": 2400, "settings": ""},
                "learned_from": "unseen",
            }
    for name, values in changes.items():
        for row in rows:
            if name in row or name == "all":
                rows[row] |= values
    return pd.DataFrame(rows.values())


def leakage_warnings(table, health, before=None):
    """The warnings, with the best row of the table as the strongest reading."""
    best = table.loc[table["balanced_accuracy"].idxmax()]
    return tested.leakage_warnings(table, best, health, before)


def test_who_also_learned_from_others_makes_nobody_subsampled():
    more = {"n_train": 9000.0, "learned_from": "also training"}
    assert leakage_warnings(table(mlp_standardised=more), HEALTHY) == []


def reads(low, high):
    return {"balanced_accuracy": (low + high) / 2, "low": low, "high": high}


def test_a_healthy_case_has_none():
    assert leakage_warnings(table(), HEALTHY) == []
    assert leakage_warnings(table(), HEALTHY, before=HEALTHY * 10) == []
    fair = table()[lambda t: t["scaling"] == "standardised"]
    assert leakage_warnings(fair, HEALTHY) == []


@pytest.mark.parametrize(
    ("changes", "start", "parts"),
    [
        ({"all": reads(0.47, 0.53)}, "Not shown to be readable: ", ["[47.0, 53.0]", "no proof of absence"]),
        ({"all": reads(0.5, 0.56)}, "Not shown to be readable: ", []),
        ({"all": reads(0.44, 0.5)}, "Not shown to be readable: ", []),
        ({"raw": reads(0.45, 0.55)}, "Hidden by scale: ", ["raw", "still there"]),
        ({"linear_raw": reads(0.9, 0.95)}, "Hidden from standardising: ", ["linear", "92.5 %", "70.0 %"]),
        ({"all": {"majority": 0.8}}, "Unequal classes: ", ["80.0 %"]),
        ({"linear": {"n_train": 1000.0}}, "Subsampled: ", ["linear classifier", "1,000", "2,400"]),
    ],
)
def test_each_oddity_of_the_table_has_its_sentence(changes, start, parts):
    (sentence,) = leakage_warnings(table(**changes), HEALTHY)
    assert sentence.startswith(start)
    for part in parts:
        assert part in sentence
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("changes", "start", "part"),
    [
        ({"effective_rank": 2.0}, "Few directions: ", "is 2 of 512 dimensions"),
        ({"effective_rank": 0.0}, "Few directions: ", "is 0 of 512"),
        ({"effective_rank": np.nan}, "Few directions: ", "of 512"),
        ({"scale": 2.6e-6}, "Tiny scale: ", "2.6e-06"),
        ({"scale": np.nan}, "Tiny scale: ", "by 0.9"),
    ],
)
def test_each_oddity_of_the_embedding_has_its_sentence(changes, start, part):
    odd = HEALTHY.copy()
    odd.update(pd.Series(changes, dtype=float))
    for name, value in changes.items():
        odd[name] = value
    (sentence,) = leakage_warnings(table(), odd, before=HEALTHY)
    assert sentence.startswith(start)
    assert part in sentence


def test_scale_is_judged_beside_what_was_before_only():
    assert leakage_warnings(table(), HEALTHY.replace(0.9, 1e-9)) == []


@pytest.mark.parametrize(
    ("width", "rank", "odd"), [(2, 1.9, False), (2, 1.0, True), (128, 4, False), (2048, 30, True)]
)
def test_few_directions_are_few_beside_the_width(width, rank, odd):
    health = HEALTHY.copy()
    health["dimensions"], health["effective_rank"] = width, rank
    assert bool(leakage_warnings(table(), health)) == odd


def test_any_attacker_far_below_chance_is_named():
    one = leakage_warnings(table(linear_raw=reads(0.3, 0.4)), HEALTHY)
    assert [text.split(":")[0] for text in one] == ["Below chance"]
    assert "35.0 %" in one[0]
    assert "chance is 50.0 %" in one[0]
    names = [text.split(":")[0] for text in leakage_warnings(table(all=reads(0.3, 0.4)), HEALTHY)]
    assert names == ["Not shown to be readable", "Below chance"]


def test_an_attacker_a_little_below_chance_is_luck():
    assert leakage_warnings(table(linear_raw=reads(0.44, 0.49)), HEALTHY) == []


def test_a_scaling_that_reads_a_little_more_is_no_anomaly():
    assert leakage_warnings(table(mlp_raw=reads(0.68, 0.76)), HEALTHY) == []


def test_a_class_of_six_is_large_sooner():
    six = {"chance": 1 / 6, "majority": 0.6}
    assert leakage_warnings(table(all=six), HEALTHY)[0].startswith("Unequal classes")
    assert leakage_warnings(table(all=six | {"majority": 0.5}), HEALTHY) == []


def test_several_oddities_have_a_sentence_each():
    collapsed = HEALTHY.copy()
    collapsed["scale"], collapsed["effective_rank"] = 1e-6, 1.5
    changes = {"all": reads(0.48, 0.53) | {"majority": 0.9}, "mlp": {"n_train": 500}}
    found = leakage_warnings(table(**changes), collapsed, before=HEALTHY)
    names = ["Not shown to be readable", "Unequal classes", "Subsampled", "Few directions", "Tiny scale"]
    assert [sentence.split(":")[0] for sentence in found] == names
