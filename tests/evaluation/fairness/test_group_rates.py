import math
from statistics import NormalDist

import numpy as np
import pytest
import torch
from fairlearn.metrics import (
    MetricFrame,
    demographic_parity_difference,
    equalized_odds_difference,
    false_positive_rate,
    selection_rate,
    true_negative_rate,
    true_positive_rate,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import accuracy_score

from evaluation.fairness.group_rates import (
    RATES,
    GroupCounts,
    fairness_gaps,
    group_rates,
    group_table,
    undefined_rates,
)
from evaluation.samples.groupings import cross, make_grouping
from evaluation.samples.intervals import wilson_interval

ORACLE = {
    "accuracy": accuracy_score,
    "tpr": true_positive_rate,
    "fpr": false_positive_rate,
    "tnr": true_negative_rate,
    "selection_rate": selection_rate,
}
# 8 samples of group 0, 4 of group 1, none of group 2: [group][target][prediction]
HAND = np.array([[[3, 1], [1, 3]], [[1, 1], [2, 0]], [[0, 0], [0, 0]]])


def count(prediction, target, group, groups, classes=2, batches=1):
    metric = GroupCounts(groups, classes)
    for part in zip(*(np.array_split(x, batches) for x in (prediction, target, group)), strict=True):
        metric.update(*(torch.as_tensor(x, dtype=torch.int64) for x in part))
    return metric.compute().numpy()


@st.composite
def labelled_samples(draw, groups=4):
    """Binary predictions of samples in some of the groups, each with both targets in each group present."""
    n = draw(st.integers(1, 40))
    present = draw(st.lists(st.integers(0, groups - 1), min_size=2, unique=True))
    bits = arrays(np.int64, n, elements=st.integers(0, 1))
    group = draw(arrays(np.int64, n, elements=st.sampled_from(present)))
    target = np.concatenate([draw(bits), np.tile([0, 1], len(present))])
    prediction = np.concatenate(
        [draw(bits), draw(arrays(np.int64, 2 * len(present), elements=st.integers(0, 1)))]
    )
    return prediction, target, np.concatenate([group, np.repeat(present, 2)])


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(labelled_samples())
def test_rates_and_gaps_equal_fairlearn_with_groups_absent(samples):
    prediction, target, group = samples
    frame = MetricFrame(metrics=ORACLE, y_true=target, y_pred=prediction, sensitive_features=group)
    counts = count(prediction, target, group, groups=4, batches=3)
    rates = group_rates(counts, positive=1)
    for rate in RATES:
        for g in range(4):
            expected = frame.by_group[rate].get(g, math.nan)
            assert rates[rate][g] == pytest.approx(expected, nan_ok=True), (rate, g)
        overall = group_rates(counts.sum(axis=0, keepdims=True), positive=1)
        assert overall[rate][0] == pytest.approx(frame.overall[rate])
    gaps, args = fairness_gaps(counts, positive=1), (target, prediction)
    assert gaps["tpr_gap"] == pytest.approx(frame.difference()["tpr"])
    assert gaps["accuracy_gap"] == pytest.approx(frame.difference()["accuracy"])
    assert gaps["worst_group_accuracy"] == pytest.approx(frame.group_min()["accuracy"])
    assert gaps["demographic_parity_gap"] == pytest.approx(
        demographic_parity_difference(*args, sensitive_features=group)
    )
    assert gaps["equalised_odds_gap"] == pytest.approx(
        equalized_odds_difference(*args, sensitive_features=group)
    )


@settings(max_examples=25, deadline=None)
@given(labelled_samples(groups=6))
def test_crossed_groups_equal_fairlearn_crossed_features(samples):
    prediction, target, group = samples
    hair, smiling = torch.as_tensor(group).div(2, rounding_mode="floor"), torch.as_tensor(group) % 2
    counts = count(prediction, target, cross([hair, smiling], [3, 2]).numpy(), groups=6)
    grouping = make_grouping(["hair", "smiling"], {"hair": ["a", "b", "c"], "smiling": ["no", "yes"]})
    frame = MetricFrame(
        metrics=true_positive_rate,
        y_true=target,
        y_pred=prediction,
        sensitive_features={"hair": hair.numpy(), "smiling": smiling.numpy()},
    )
    for key, tpr in zip(grouping.keys, group_rates(counts, 1)["tpr"], strict=True):
        names = [part.split("=")[1] for part in key.split(",")]
        labels = ("abc".index(names[0]), ["no", "yes"].index(names[1]))
        assert tpr == pytest.approx(frame.by_group.get(labels, math.nan), nan_ok=True)


def test_class_names_in_metric_names_are_safe_and_stay_apart():
    classes = ["no, yes", "no/yes", "a=b", "a b", "a_b", "50%", "Ünal", "18-30"]
    keys = make_grouping(["hair"], {"hair": classes}).keys
    assert keys == [
        f"hair={x}" for x in ("no%2C%20yes", "no%2Fyes", "a%3Db", "a%20b", "a_b", "50%25", "Ünal", "18-30")
    ]


def test_without_a_positive_class_rates_are_means_over_classes():
    counts = np.array([[[3, 1, 0], [0, 2, 2], [1, 0, 1]], [[2, 0, 0], [0, 0, 0], [0, 1, 1]]])
    rates = group_rates(counts, None)
    assert rates["tpr"][0] == pytest.approx((3 / 4 + 2 / 4 + 1 / 2) / 3)
    assert rates["fpr"][0] == pytest.approx((1 / 6 + 1 / 6 + 2 / 8) / 3)
    assert rates["accuracy"].tolist() == [6 / 10, 3 / 4]
    assert math.isnan(rates["tpr"][1]), "nobody of the second class"
    table = group_table(counts, ["x", "y"], None)
    assert table["tpr"][0] == rates["tpr"][0]
    assert table[["tpr_low", "tpr_high"]].isna().all(axis=None)
    assert table["accuracy_low"].notna().all()


def test_names_of_crossed_groups():
    grouping = make_grouping(["smiling", "gender"], {"smiling": ["no", "yes"], "gender": ["female", "male"]})
    assert grouping.keys[2] == "smiling=yes,gender=female"
    assert grouping.names[2] == "smiling: yes, gender: female"
    assert grouping.sizes == [2, 2]
    everyone = make_grouping([], {})
    assert (everyone.keys, everyone.names) == ([""], ["all samples"])


def test_crossing_with_an_unknown_label_is_unknown():
    crossed = cross([torch.tensor([0, 1, -1, 1]), torch.tensor([2, 0, 1, -1])], [2, 3])
    assert crossed.tolist() == [2, 3, -1, -1]


def test_rates_by_hand():
    rates = group_rates(HAND, positive=1)
    nan = math.nan
    expected = {
        "accuracy": [6 / 8, 1 / 4, nan],
        "tpr": [3 / 4, 0, nan],
        "fpr": [1 / 4, 1 / 2, nan],
        "tnr": [3 / 4, 1 / 2, nan],
        "selection_rate": [4 / 8, 1 / 4, nan],
    }
    for rate, values in expected.items():
        np.testing.assert_array_equal(rates[rate], values, err_msg=rate)


def test_gaps_by_hand():
    assert fairness_gaps(HAND, positive=1) == {
        "tpr_gap": 0.75,
        "equal_opportunity": 75.0,
        "equal_opportunity_annex": 25.0,
        "equalised_odds_gap": 0.75,
        "demographic_parity_gap": 0.25,
        "accuracy_gap": 0.5,
        "worst_group_accuracy": 0.25,
    }
    swapped = fairness_gaps(HAND, positive=0)
    assert swapped["tpr_gap"] == 0.25  # the specificity gap of the other class
    assert swapped["equalised_odds_gap"] == 0.75


def test_multiclass_is_one_against_the_rest():
    counts = np.array([[[4, 1, 1], [2, 3, 0], [0, 5, 4]]])
    rates = group_rates(counts, positive=2)
    assert rates["accuracy"][0] == 11 / 20
    assert rates["tpr"][0] == 4 / 9
    assert rates["fpr"][0] == 1 / 11
    assert rates["selection_rate"][0] == 5 / 20


def test_fewer_than_two_defined_groups_leave_no_gap():
    gaps = fairness_gaps(HAND[[0, 2]], positive=1)
    assert all(math.isnan(gap) for gap in gaps.values())


def test_undefined_fpr_leaves_equalised_odds_undefined():
    only_positives = np.array([[[0, 0], [1, 3]], [[2, 2], [2, 2]]])
    gaps = fairness_gaps(only_positives, positive=1)
    assert gaps["tpr_gap"] == 0.25
    assert math.isnan(gaps["equalised_odds_gap"])
    assert undefined_rates(only_positives, ["a", "b"], 1) == {"a": ["fpr", "tnr"]}


def test_undefined_rates_names_the_empty_group():
    assert undefined_rates(HAND, ["a", "b", "c"], 1) == {"c": list(RATES)}


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_batch_without_a_group_credits_no_other(missing):
    generator = np.random.default_rng(missing)
    prediction, target, group = (generator.integers(0, k, 90) for k in (2, 2, 3))
    first = group != missing
    metric = GroupCounts(3, 2)
    for part in (first, ~first):  # one batch without the group, one with nothing else
        metric.update(*(torch.as_tensor(x[part]) for x in (prediction, target, group)))
    expected = np.zeros((3, 2, 2), np.int64)
    np.add.at(expected, (group, target, prediction), 1)
    np.testing.assert_array_equal(metric.compute().numpy(), expected)


def test_unknown_targets_and_groups_are_ignored():
    counts = count([1, 1, 0, 1], [1, -1, 0, 1], [0, 0, -1, 1], groups=2)
    assert counts.tolist() == [[[0, 0], [0, 1]], [[0, 0], [0, 1]]]


def test_an_all_padding_batch_adds_nothing():
    assert count([0, 1], [-1, -1], [-1, -1], groups=2).sum() == 0


@pytest.mark.filterwarnings("ignore:The ``compute`` method")  # which is what this test is about
def test_reset_forgets():
    metric = GroupCounts(1, 2)
    metric.update(*(torch.zeros(3, dtype=torch.int64) for _ in range(3)))
    metric.reset()
    assert metric.compute().sum() == 0


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (([2], [0], [0]), r"prediction must be in \[0, 2\), got 2 to 2"),
        (([-1], [0], [0]), r"prediction must be in \[0, 2\)"),
        (([0], [-2], [0]), r"target must be in \[-1, 2\)"),
        (([0], [0], [3]), r"group must be in \[-1, 3\)"),
        (([0, 0], [0], [0]), r"must all be \(N,\)"),
    ],
)
def test_labels_out_of_range_are_refused(samples, message):
    with pytest.raises(ValueError, match=message):
        GroupCounts(3, 2).update(*(torch.tensor(x) for x in samples))


@pytest.mark.parametrize(("k", "n"), [(0, 5), (3, 8), (10, 10), (400, 1000)])
def test_wilson_interval_closed_form(k, n):
    z, p = NormalDist().inv_cdf(0.975), k / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert wilson_interval(k, n) == pytest.approx((centre - half, centre + half), abs=1e-12)


def test_table():
    table = group_table(HAND, ["a", "b", "c"], positive=1).set_index("group")
    assert table["n"].tolist() == [8, 4, 0]
    assert table.loc["a", "tpr"] == 0.75
    assert (table.loc["a", "tpr_low"], table.loc["a", "tpr_high"]) == wilson_interval(3, 4)
    assert table.loc["c"].drop("n").isna().all()
    with pytest.raises(ValueError, match="2 names for 3 groups"):
        group_table(HAND, ["a", "b"], positive=1)


def test_positive_must_be_a_class():
    with pytest.raises(ValueError, match=r"positive must be a class index in \[0, 2\), got 2"):
        group_rates(HAND, positive=2)
