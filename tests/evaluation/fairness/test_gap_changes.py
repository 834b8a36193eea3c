import numpy as np
import pandas as pd
import pytest

from evaluation.audit.downstream_section import compare_downstream
from evaluation.fairness.gap_changes import OVERALL, gap_changes, replicate_frame
from evaluation.fairness.signed_gaps import MEASURES, signed_gaps
from evaluation.samples.subject_bootstrap import percentile_interval
from tests.support.biased_people import random_answers


def frame(*values, bias=0.9, measure="tpr"):
    return pd.DataFrame(
        [{"bias": bias, "measure": measure, "replicates": np.array(values, np.float64).tobytes()}]
    )


def test_changes_are_of_the_replicates_in_pairs():
    rng = np.random.default_rng(0)
    x = 0.4 + 0.05 * rng.normal(size=501)
    y = x / 2 + 0.001 * rng.normal(size=501)
    (found,) = gap_changes(frame(*x), frame(*y)).itertuples()
    assert found.before == x[0]
    assert found.after == y[0]
    assert found.change == y[0] - x[0]
    assert (found.low, found.high) == percentile_interval((y - x)[1:])
    assert found.ratio == y[0] / x[0]
    assert found.ratio_low < 0.5 < found.ratio_high
    assert found.ratio_high - found.ratio_low < 0.03, "unpaired it would be several times as wide"


def test_there_is_no_ratio_to_a_gap_that_may_be_none():
    x = np.linspace(-0.1, 0.3, 101)
    (found,) = gap_changes(frame(*x), frame(*(x / 2))).itertuples()
    assert np.isnan([found.ratio, found.ratio_low, found.ratio_high]).all()
    assert found.change == -x[0] / 2


def test_only_what_both_have_is_compared():
    before = pd.concat([frame(0.2, 0.2), frame(0.1, 0.1, bias=0.5)])
    after = pd.concat([frame(0.1, 0.1), frame(0.3, 0.3, measure="fpr")])
    assert gap_changes(before, after)[["bias", "measure"]].to_numpy().tolist() == [[0.9, "tpr"]]


def test_each_representation_is_compared_with_the_first():
    parts = [("x", "smile", 0.4), ("x", "sex", 0.2), ("phi", "smile", 0.1), ("phi", "sex", 0.2)]
    rows = pd.concat(
        [frame(gap, gap, gap).assign(representation=name, attribute=group) for name, group, gap in parts]
    )
    found = compare_downstream(rows)["gap_changes"]
    assert found["representation"].tolist() == ["phi", "phi"]
    assert found.set_index("attribute")["change"].to_dict() == pytest.approx({"smile": -0.3, "sex": 0})
    assert compare_downstream(rows[rows["representation"] == "x"]) == {}


def test_replicates_of_predictions_give_their_gaps_and_accuracy():
    answers = random_answers()
    rows = replicate_frame({0.9: answers}, seed=3).set_index("measure")
    assert rows.index.tolist() == [OVERALL, *MEASURES]
    drawn = {name: np.frombuffer(cell, np.float64) for name, cell in rows["replicates"].items()}
    gaps = signed_gaps(answers, seed=3).set_index("measure")
    for measure in MEASURES:
        assert drawn[measure][0] == gaps.loc[measure, "gap"]
        assert percentile_interval(drawn[measure][1:]) == tuple(gaps.loc[measure, ["low", "high"]])
    assert drawn[OVERALL][0] == pytest.approx((answers.prediction == answers.target).mean())
    same = rows.reset_index()
    found = gap_changes(same, same)
    assert (found[["change", "low", "high"]] == 0).all(axis=None)
