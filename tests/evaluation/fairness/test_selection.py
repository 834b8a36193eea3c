import numpy as np
import pandas as pd
import pytest

from evaluation.fairness.selection import BestAccuracy, DistanceToOptimum, MostUtility, Oracle, WorstGroup

NAN = float("nan")
TABLE = pd.DataFrame(
    {
        "accuracy": [0.80, 0.78, 0.70, NAN, 0.80],
        "worst_group_accuracy": [0.60, 0.66, 0.68, 0.99, 0.60],
        "tpr_gap": [0.20, -0.06, 0.01, 0.0, 0.20],
        "leakage": [0.90, 0.70, 0.60, 0.1, 0.90],
        "auc": [0.85, 0.86, 0.80, 0.99, 0.85],
    },
    index=[7, 7, 3, 2, 1],  # positions count, not labels
)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (BestAccuracy(), 0),  # the first of equals, never nan
        (WorstGroup(), 3),
        (DistanceToOptimum(), 1),  # the optimum is (0.80, 0.01): .19, .054, .1, nan, .19
        (DistanceToOptimum(gap="leakage"), 2),
        (MostUtility(0.75), 1),
        (MostUtility(0.70), 1),
        (MostUtility(0.69), 2),
        (MostUtility(0.69, utility="auc"), 3),
        (MostUtility(0.05, leakage="tpr_gap", utility="auc"), 3),
        (Oracle(BestAccuracy()), 0),
    ],
)
def test_each_rule_chooses_what_it_says(rule, expected):
    assert rule.select(TABLE) == expected


def test_the_distance_is_euclidean_to_the_best_of_both():
    rng = np.random.default_rng(0)
    for _ in range(50):
        table = pd.DataFrame(rng.uniform(-1, 1, (6, 2)), columns=["accuracy", "tpr_gap"])
        points = table.abs().assign(accuracy=table["accuracy"]).to_numpy()
        ideal = [points[:, 0].max(), points[:, 1].min()]
        assert DistanceToOptimum().select(table) == np.linalg.norm(points - ideal, axis=1).argmin()


@pytest.mark.parametrize("rule", [BestAccuracy(), WorstGroup(), DistanceToOptimum(), MostUtility(0.5)])
def test_a_missing_measure_or_nobody_to_choose_is_refused(rule):
    with pytest.raises(ValueError, match="candidates have no measure .*; they have f1"):
        rule.select(pd.DataFrame({"f1": [1.0]}))
    with pytest.raises(ValueError, match=f"{rule.name}: none of 5 candidates qualifies"):
        rule.select(TABLE * NAN)
    with pytest.raises(ValueError, match="none of 0"):
        rule.select(TABLE[:0])


def test_a_limit_that_none_keeps_is_refused():
    with pytest.raises(ValueError, match="most auc with leakage <= 0.05: none of 5 candidates qualifies"):
        MostUtility(0.05, utility="auc").select(TABLE)


def test_names():
    names = [
        rule.name for rule in (BestAccuracy(), WorstGroup(), DistanceToOptimum(), Oracle(MostUtility(0.6)))
    ]
    assert names == [
        *("best accuracy", "worst group", "distance to optimum"),
        "oracle (most accuracy with leakage <= 0.6)",
    ]
