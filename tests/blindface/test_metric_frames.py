"""The bridge to fairlearn."""

import sys

import numpy as np
import pytest
from fairlearn.metrics import true_positive_rate

from blindface import audit, metric_frame

TRUE, PREDICTED = np.array([1, 1, 0, 0, 1, 1, 0, 1]), np.array([1, 0, 0, 1, 1, 1, 0, 0])
GROUP = np.array(["a", "a", "a", "a", "b", "b", "b", None], dtype=object)


def test_rates_are_those_of_the_groups():
    found = metric_frame(TRUE, PREDICTED, {"group": GROUP})
    assert found.by_group.loc["a"].to_dict() == {
        "count": 4, "accuracy": 0.5, "selection_rate": 0.5,
        "true_positive_rate": 0.5, "false_positive_rate": 0.5,
    }  # fmt: skip
    assert found.by_group.loc["b", "true_positive_rate"] == 1
    assert found.overall["count"] == 7, "the sample of an unknown group is left out"
    assert found.difference()["true_positive_rate"] == 0.5


def test_own_metrics_and_other_classes():
    words = np.array(["no", "yes"])
    found = metric_frame(words[TRUE], words[PREDICTED], {"group": GROUP})
    assert list(found.by_group) == ["count", "accuracy"]
    own = metric_frame(TRUE, PREDICTED, {"group": GROUP}, {"tpr": true_positive_rate})
    assert own.by_group["tpr"].tolist() == [0.5, 1]
    with pytest.raises(ValueError, match=r"y_pred is \(3,\)"):
        metric_frame(TRUE, PREDICTED[:3], {"group": GROUP})


def test_a_result_compares_groups_of_the_samples_tested():
    rng = np.random.default_rng(0)
    gender, smiling = rng.integers(2, size=(2, 120))
    quick = {
        "attackers": ["linear"],
        "scalings": ["standardised"],
        "folds": 2,
        "tune": False,
        "permutations": 0,
    }
    quick |= {"information": False, "suppression_draws": 0, "tsne": 0}
    splits = np.where(np.arange(120) < 20, "train", "test")
    attributes = {"gender": np.array(["f", "m"])[gender], "smiling": smiling}
    result = audit(rng.normal(size=(120, 3)), attributes, splits=splits, sensitive=["gender"], **quick)
    true, predicted = rng.integers(2, size=(2, 120))
    found = result.metric_frame(true, predicted, "gender")
    tested = splits == "test"
    for name, place in (("f", 0), ("m", 1)):
        rows = tested & (gender == place)
        assert found.by_group.loc[name, "count"] == rows.sum()
        assert found.by_group.loc[name, "accuracy"] == pytest.approx((true == predicted)[rows].mean())
    assert len(result.metric_frame(true, predicted, ["gender", "smiling"]).by_group) == 4
    with pytest.raises(ValueError, match="no attribute 'age'; there are gender, smiling"):
        result.metric_frame(true, predicted, "age")


def test_without_fairlearn_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "fairlearn", None)
    with pytest.raises(ImportError, match="metric_frame needs fairlearn: pip install fairlearn"):
        metric_frame(TRUE, PREDICTED, {"group": GROUP})
