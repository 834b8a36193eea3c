from dataclasses import replace

import numpy as np
import pytest
from fairlearn.metrics import (
    MetricFrame,
    count,
    false_positive_rate,
    selection_rate,
    true_negative_rate,
    true_positive_rate,
)
from sklearn.metrics import accuracy_score, roc_auc_score

from tests.support.biased_people import random_answers

ANSWERS = random_answers()


def test_the_rates_equal_fairlearn():
    table = ANSWERS.rates()
    assert table.columns.tolist() == [
        *("draw", "group", "n", "accuracy", "tpr", "fpr", "tnr", "selection_rate", "auc", "n_train")
    ]
    frame = MetricFrame(
        metrics={
            "n": count,
            "accuracy": accuracy_score,
            "tpr": true_positive_rate,
            "fpr": false_positive_rate,
            "tnr": true_negative_rate,
            "selection_rate": selection_rate,
        },
        y_true=ANSWERS.target,
        y_pred=ANSWERS.prediction,
        sensitive_features=ANSWERS.group,
        control_features=ANSWERS.draw,
    ).by_group
    assert len(table) == len(frame) == 6
    for row in table.to_dict("records"):
        expected = frame.loc[row["draw"], ("smiling: no", "smiling: yes").index(row["group"])]
        for name, value in expected.items():
            assert row[name] == pytest.approx(value), name
        mine = (ANSWERS.draw == row["draw"]) & (np.array(ANSWERS.groups)[ANSWERS.group] == row["group"])
        assert row["auc"] == roc_auc_score(ANSWERS.target[mine], ANSWERS.score[mine])
        assert row["n_train"] == 100


def test_counts_are_by_whatever_number_is_given():
    counts = ANSWERS.counts(ANSWERS.subject % 7, 9)
    assert counts.shape == (9, 2, 2, 2)
    assert counts.sum() == len(ANSWERS.draw)
    here = (
        (ANSWERS.subject % 7 == 3) & (ANSWERS.group == 1) & (ANSWERS.target == 0) & (ANSWERS.prediction == 1)
    )
    assert counts[3, 1, 0, 1] == here.sum() > 0
    assert counts[7:].sum() == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"subject": np.zeros(3, int)}, r"the columns of the predictions have \[3, 900\] rows"),
        ({"target": np.full(900, 2)}, "the target of a prediction must be 0 or 1"),
        ({"group": np.full(900, -1)}, "the group of a prediction must be 0 or 1"),
        ({"group": np.where(ANSWERS.draw == 1, 0, ANSWERS.group)}, "draw 1 .* target 0 and smiling: yes"),
        ({"draw": ANSWERS.draw + 1}, "draw 0 has no sample with target 0 and smiling: no"),
    ],
)
def test_answers_that_do_not_fit_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(ANSWERS, **change)


def test_no_answers_at_all_are_refused():
    nothing = np.zeros(0, int)
    columns = dict.fromkeys(("draw", "subject", "group", "target", "score", "prediction"), nothing)
    with pytest.raises(ValueError, match=r"have \[0\] rows"):
        replace(ANSWERS, **columns)
