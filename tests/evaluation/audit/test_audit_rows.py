from dataclasses import replace

import numpy as np
import pytest

from evaluation.audit.rows import choose_attributes, choose_rows
from evaluation.audit.settings import AuditSettings
from evaluation.samples.representations import Representations


def representations(split, **labels) -> Representations:
    n = len(split)
    labels = labels or {"smiling": np.arange(n) % 2}
    return Representations(
        embeddings={"x": np.zeros((n, 2), np.float32)},
        labels={name: np.asarray(label) for name, label in labels.items()},
        classes={name: tuple(map(str, range(max(label) + 1))) for name, label in labels.items()},
        identity=np.arange(n),
        split=np.asarray(split),
        sample_id=np.arange(n).astype(str),
    )


SPLIT = [0, 0, 1, 2, 2, -1]


@pytest.mark.parametrize(
    ("splits", "tested", "told"),
    [
        (None, [2, 3, 4], "the samples of val and test, subjects that the table marks as not seen"),
        (["test"], [3, 4], "the samples of test, subjects that the table marks"),
        (["train", "val"], [0, 1, 2], "the samples of train and val"),
    ],
)
def test_the_splits_asked_for_are_tested(splits, tested, told):
    rows = choose_rows(representations(SPLIT), AuditSettings(splits=splits))
    assert rows.tested.tolist() == tested
    assert rows.description.startswith(told)
    assert ("not seen" in rows.description) == (splits != ["train", "val"])


@pytest.mark.parametrize(
    ("seen", "checked"),
    [
        ({"x": [1, 1, 0, 0, 0, -1]}, True),
        ({"x": [1, 1, 0, 0, -1, -1]}, False),
        ({"x": [1, 1, 0, 1, 0, -1]}, False),
        ({"another": [0] * 6}, False),
    ],
)
def test_not_seen_is_said_only_where_it_was_checked(seen, checked):
    data = replace(representations(SPLIT), seen={name: np.array(x) for name, x in seen.items()})
    description = choose_rows(data, AuditSettings()).description
    assert ("that no representation learned from, as its record says" in description) == checked
    assert ("that the table marks as not seen in training" in description) != checked


def test_rows_among_those_present_are_numbered_anew():
    rows = choose_rows(representations(SPLIT), AuditSettings())
    some = rows.among(np.array([False, True, True, False, True, True]))
    assert some.tested.tolist() == [1, 2]
    assert some.extra.tolist() == [0]


@pytest.mark.parametrize("split", [[-1, -1, -1], [0, 0, 0], [0, -1, 0]])
def test_without_people_unknown_to_the_method_all_are_tested(split):
    rows = choose_rows(representations(split), AuditSettings())
    assert rows.tested.tolist() == [0, 1, 2]
    assert "all samples" in rows.description


def test_attackers_learn_from_the_training_people_too():
    rows = choose_rows(representations(SPLIT), AuditSettings())
    assert rows.extra.tolist() == [0, 1]
    assert rows.tested.tolist() == [2, 3, 4]
    assert "also learn from the 2 training samples" in rows.description


@pytest.mark.parametrize(
    ("split", "options"),
    [
        (SPLIT, {"extra": False}),
        (SPLIT, {"splits": ["train", "val"]}),
        ([1, 2, 2], {}),
        ([-1, -1, -1], {}),
        ([0, -1, 0], {}),
    ],
)
def test_nobody_else_is_learned_from_where_it_is_not_possible(split, options):
    rows = choose_rows(representations(split), AuditSettings(**options))
    assert not len(rows.extra)
    assert "also learn" not in rows.description


def test_splits_that_are_empty_are_a_mistake():
    with pytest.raises(ValueError, match="no sample is in test"):
        choose_rows(representations([0, 0, 1]), AuditSettings(splits=["test"]))


LABELS = {
    "few": [0, 1, 2, 0, 1, 2],
    "one": [0, 1, 1, 1, 1, 1],
    "many": [0, 1, 2, 3, 4, 5],
    "unknown": [0, 1, -1, -1, -1, -1],
}


def test_every_attribute_of_a_few_classes_is_taken():
    rows = np.arange(1, 6)
    data = representations(SPLIT, **LABELS)
    chosen, left_out = choose_attributes(data, AuditSettings(max_classes=4), rows)
    assert chosen == ["few"]
    assert [text.split()[0] for text in left_out] == ["one", "many", "unknown"]
    assert left_out[0] == "one has 1 class among the samples tested and was left out."
    assert choose_attributes(data, AuditSettings(max_classes=5), rows)[0] == ["few", "many"]


def test_a_named_attribute_is_taken_however_many_classes_it_has():
    data, rows = representations(SPLIT, **LABELS), np.arange(1, 6)
    assert choose_attributes(data, AuditSettings(sensitive=["many"], max_classes=2), rows) == (["many"], [])
    with pytest.raises(
        ValueError, match="one has 1 class among the samples tested; there is nothing to tell"
    ):
        choose_attributes(data, AuditSettings(sensitive=["one"]), rows)
    with pytest.raises(ValueError, match="no attribute has two classes .* no subject is known to have two"):
        choose_attributes(representations(SPLIT, one=LABELS["one"]), AuditSettings(), rows)


def test_without_attributes_genuine_pairs_are_enough():
    data = replace(representations(SPLIT, one=LABELS["one"]), identity=np.array([0, 1, 2, 2, -1, -1]))
    chosen, left_out = choose_attributes(data, AuditSettings(), np.arange(1, 6))
    assert chosen == []
    assert left_out == ["one has 1 class among the samples tested and was left out."]
    alone = replace(data, labels={}, classes={})
    assert choose_attributes(alone, AuditSettings(), np.arange(6)) == ([], [])
    with pytest.raises(ValueError, match="nothing to measure"):
        choose_attributes(alone, AuditSettings(), np.arange(2))
    with pytest.raises(ValueError, match="there is no attribute 'age'"):
        choose_attributes(alone, AuditSettings(sensitive=["age"]), np.arange(6))


@pytest.mark.parametrize("option", ["sensitive", "group", "target", "balance"])
def test_an_attribute_that_does_not_exist_is_named(option):
    settings = AuditSettings(**{"target": "few", option: ["age"] if option == "sensitive" else "age"})
    with pytest.raises(ValueError, match="there is no attribute 'age'; there are few, many, one, unknown"):
        choose_attributes(representations(SPLIT, **LABELS), settings, np.arange(6))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attackers": []}, "attackers is empty"),
        ({"folds": 1}, "folds is 1, it must be 2 or more"),
        ({"permutations": -1}, "permutations is -1"),
        ({"fmr_target": 0.0}, "fmr_target is 0.0"),
        ({"bias": 0.4}, "bias is 0.4"),
        ({"allow_missing": 1.0}, "allow_missing is 1.0, it must be 0 or more, below 1"),
        ({"biases": [0.5, 1.0]}, "each must be 0.5 or more"),
        ({"balance": "few"}, "balance is about the classifiers of a target"),
        ({"leakage_at_most": 0.6}, "leakage_at_most is about the classifiers of a target"),
        ({"target": "few", "balance": "few"}, "balance is few, the target"),
        ({"target": "few", "leakage_at_most": 60}, "leakage_at_most is 60, it must be between 0 and 1"),
    ],
)
def test_settings_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        AuditSettings(**options)
