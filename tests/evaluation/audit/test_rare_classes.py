from dataclasses import replace

import numpy as np
import pytest

from evaluation.audit.rare_classes import attackable_attributes, describe_rare_class
from evaluation.audit.settings import AuditSettings
from tests.support.biased_people import people

EVERY = np.arange(40)


def made():
    """Twenty subjects with two samples; two of them are old, one is afraid, in one sample."""
    data = people(20)
    age, fear = (data.identity >= 18).astype(int), (np.arange(40) == 7).astype(int)
    return replace(
        data,
        labels={"age": age, "mood": np.where(fear, 2, np.arange(40) % 2), "gender": data.identity % 2},
        classes={"age": ("young", "old"), "mood": ("glad", "sad", "afraid"), "gender": ("f", "m")},
    )


def test_attributes_with_a_rare_class_are_left_out_by_name():
    kept, left_out = attackable_attributes(made(), AuditSettings(), ["age", "mood", "gender"], EVERY)
    assert kept == ["gender"]
    assert left_out == [
        "age was left out: class 'old' of age has 2 subjects among the samples tested, too few for 5 folds: "
        "take --folds 2, or mark that class as unknown (-1).",
        "mood was left out: class 'afraid' of mood has 1 subject among the samples tested, too few for "
        "5 folds: mark that class as unknown (-1).",
    ]


def test_a_requested_attribute_with_a_rare_class_is_refused():
    with pytest.raises(ValueError, match="class 'old' of age has 2 subjects .* take --folds 2"):
        attackable_attributes(made(), AuditSettings(sensitive=["gender", "age"]), ["gender", "age"], EVERY)
    asked = AuditSettings(sensitive=["age"], folds=2)
    assert attackable_attributes(made(), asked, ["age"], EVERY) == (["age"], [])


def test_subjects_count_and_not_samples():
    data = replace(made(), identity=np.arange(40) // 10)
    assert "has 1 subject" in describe_rare_class(data, "age", EVERY, 5)
    nobody_known = replace(made(), identity=np.full(40, -1))
    assert "class 'old' of age has 4 subjects" in describe_rare_class(nobody_known, "age", EVERY, 5)
    assert describe_rare_class(nobody_known, "age", EVERY, 4) == ""


def test_unknown_samples_and_untested_rows_do_not_count():
    data = made()
    unknown = replace(data, labels=data.labels | {"mood": np.where(data.labels["mood"] == 2, -1, 0)})
    assert describe_rare_class(unknown, "mood", EVERY, 5) == ""
    assert "has 1 subject" in describe_rare_class(data, "age", EVERY[:38], 5)


def test_without_an_attribute_verification_is_left():
    data = made()
    assert attackable_attributes(data, AuditSettings(), ["age"], EVERY)[0] == []
    with pytest.raises(ValueError, match=r"nothing to measure. age was left out: class 'old' of age has 4"):
        attackable_attributes(replace(data, identity=np.full(40, -1)), AuditSettings(), ["age"], EVERY)
