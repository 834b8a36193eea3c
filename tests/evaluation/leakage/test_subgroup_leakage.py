import numpy as np
import pytest

from evaluation.leakage.permutation_null import permutation_tests
from evaluation.leakage.subgroup_leakage import subgroup_leakage
from evaluation.samples.labelled_samples import Samples, take_samples
from tests.support.known_leaks import leaking


def in_the_old_only():
    """Subjects of whom one in five is old; only the old leak."""
    samples = leaking("linear", people=100)
    old = samples.identity % 5 == 0
    hidden = leaking("none", people=100, seed=1).embedding
    return samples._replace(embedding=np.where(old[:, None], samples.embedding, hidden)), old.astype(int)


def test_a_leak_in_one_group_is_found_there_and_not_in_the_other():
    samples, old = in_the_old_only()
    table = subgroup_leakage(samples, {"age": old}, {"age": ("young", "old")}, permutations=39)
    assert table.columns.tolist() == [
        "group_attribute", "group", "n", "people", "balanced_accuracy", "low", "high", "p_value",
    ]  # fmt: skip
    assert table["group"].tolist() == ["young", "old"]
    assert table["n"].tolist() == [480, 120]
    assert table["people"].tolist() == [80, 20]
    young, aged = table.itertuples()
    assert young.p_value > 0.05
    assert young.low < 0.5 < young.high
    assert aged.p_value == 1 / 40
    assert 0.7 < aged.low < aged.balanced_accuracy < aged.high


def test_a_group_is_tested_as_if_there_were_no_other():
    samples, old = in_the_old_only()
    table = subgroup_leakage(samples, {"age": old}, {"age": ("young", "old")}, permutations=19, seed=2)
    alone = permutation_tests(take_samples(samples, old == 1), permutations=19, seed=2)[-1]
    assert table["balanced_accuracy"][1] == alone.statistic
    assert table["p_value"][1] == alone.p_value


@pytest.mark.slow
def test_a_group_that_tells_the_class_is_no_leak_within_it():
    """The group is far away and most of it is of one class; within it, nothing can be read."""
    rng = np.random.default_rng(0)
    group = np.arange(600) % 2
    label = (rng.random(600) < np.where(group, 0.8, 0.2)).astype(int)
    samples = Samples(rng.normal(size=(600, 4)) + 5 * group[:, None], label)
    assert permutation_tests(samples, permutations=19)[-1].statistic > 0.75
    table = subgroup_leakage(samples, {"g": group}, {"g": ("a", "b")}, permutations=19)
    assert (table["balanced_accuracy"] < 0.6).all()
    assert (table["p_value"] > 0.05).all()


def test_groups_that_cannot_be_tested_are_nan_with_their_size():
    samples = leaking("constant", people=40, images=3)
    group = np.repeat([0, 1, 2, 3], [60, 30, 9, 21])
    label = samples.label.copy()
    label[60:90] = 1  # one class
    label[99:], label[99] = 0, 1  # a class with one subject
    label[100:102] = 1
    group[:3] = -1
    names = ("fine", "one class", "three subjects", "single", "absent")
    table = subgroup_leakage(samples._replace(label=label), {"g": group}, {"g": names}, permutations=5)
    assert table["n"].tolist() == [57, 30, 9, 21, 0]
    assert table["people"].tolist() == [19, 10, 3, 7, 0]
    empty = table[["balanced_accuracy", "low", "high", "p_value"]].isna().all(axis=1)
    assert empty.tolist() == [False, True, True, True, True]


def test_samples_are_bounded_and_unknown_labels_left_out():
    samples = leaking("linear", people=40)
    label = np.where(np.arange(240) < 60, -1, samples.label)
    groups, classes = {"g": np.zeros(240, int)}, {"g": ("all",)}
    table = subgroup_leakage(samples._replace(label=label), groups, classes, permutations=5)
    assert table["n"].item() == 180
    table = subgroup_leakage(samples, groups, classes, permutations=5, max_samples=100)
    assert table["n"].item() == 96
    assert table["balanced_accuracy"].item() > 0.8


def test_the_interval_is_of_the_better_probe():
    samples = leaking("xor", people=80)  # only the RBF probe reads it
    groups, classes = {"g": np.zeros(480, int)}, {"g": ("all",)}
    row = subgroup_leakage(samples, groups, classes, permutations=5).iloc[0]
    assert 0.8 < row["low"] < row["balanced_accuracy"] < row["high"]
    assert row["balanced_accuracy"] == pytest.approx((row["low"] + row["high"]) / 2, abs=0.02)
