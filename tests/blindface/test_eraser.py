"""Erasers as scikit-learn transformers."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import estimator_checks_generator

from blindface import Eraser, erase
from evaluation.erasers.leace import fit_leace
from evaluation.erasers.matching_fit import fit_matching
from evaluation.erasers.transport_fit import fit_transport

NOISE_FAILS = {
    "check_methods_sample_order_invariance": "the noise of a row depends on its place",
    "check_methods_subset_invariance": "the noise of a row depends on the number of rows",
}
TRANSPORT_FAILS = {"check_n_features_in_after_fitting": "15 samples of 3 random classes cannot be routed"}
FAILS = {"noise": NOISE_FAILS, "transport": TRANSPORT_FAILS}
KEY = "11" * 32
METHODS = {
    "leace": ("leace", {}),
    "inlp": ("inlp", {}),
    "transport": ("transport", {"components": 1, "steps": 2, "folds": 2, "key": KEY}),
    "leace in components": ("transport", {"components": 1, "erasure": "leace", "key": KEY}),
    "pca": ("pca", {"components": 1}),
    "noise": ("noise", {"strength": 0.1}),
}
CHECKS = [
    pytest.param(check, estimator, id=f"{name}-{getattr(check, 'func', check).__name__}-{number}")
    for name, (method, options) in METHODS.items()
    for number, (estimator, check) in enumerate(
        estimator_checks_generator(
            Eraser(method, options),
            expected_failed_checks=FAILS.get(name),
            mark="skip",
        )
    )
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("check", "estimator"), CHECKS)
def test_scikit_learn_accepts_it(check, estimator):
    check(estimator)


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    gender = rng.integers(2, size=400)
    return rng.normal(size=(400, 6)) + 4 * gender[:, None] * np.array([1, 1, 0, 0, 0, 0]), gender


def test_a_linear_probe_reads_it_before_and_not_after(arrays):
    x, gender = arrays
    read = {}
    for name, seen in (("before", x), ("after", erase(x, gender).transform(x))):
        read[name] = LogisticRegression().fit(seen[:200], gender[:200]).score(seen[200:], gender[200:])
    assert read["before"] > 0.95
    assert read["after"] < 0.65


def test_it_is_the_eraser_of_the_paper(arrays):
    x, gender = arrays
    expected = fit_leace(x, gender)(x)
    np.testing.assert_allclose(erase(x, gender).transform(x), expected)
    words = np.array(["female", "male"])[gender]
    for labels in (words, pd.Series(words, dtype="category"), torch.from_numpy(gender)):
        np.testing.assert_allclose(erase(torch.from_numpy(x), labels).transform(x), expected)
    np.testing.assert_allclose(Eraser().fit_transform(x, words), expected)
    assert Eraser().fit(x, words).classes_.tolist() == ["female", "male"]


def test_unknown_labels_are_not_learned_from(arrays):
    x, gender = arrays
    words = np.array(["female", "male"], dtype=object)[gender]
    words[:100] = None
    eraser = erase(x, words)
    assert eraser.n_samples_ == 300
    np.testing.assert_allclose(eraser.transform(x), fit_leace(x[100:], gender[100:])(x))


def test_it_keeps_float32_and_fits_into_a_pipeline(arrays):
    x, gender = arrays
    assert (
        erase(x.astype(np.float32), gender, "inlp", iterations=2).transform(x.astype(np.float32)).dtype
        == "f4"
    )
    pipeline = make_pipeline(Eraser("pca", {"components": 3}), LogisticRegression()).fit(x, gender)
    assert pipeline.score(x, gender) > 0.9


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (
            ("gender", "leece"),
            {},
            "method is 'leece', it must be one of leace, inlp, transport, matching, pca, noise",
        ),
        (("gender", "inlp"), {"iteration": 3}, "inlp has no option 'iteration'; did you mean iterations?"),
        ((None, "leace"), {}, "leace requires y to be passed"),
        (("ones", "leace"), {}, "s has only the class '1' in 400 samples"),
        (("short", "leace"), {}, r"s is \(3,\), X has 400 rows"),
    ],
)
def test_mistakes_are_one_line(arrays, arguments, options, message):
    x, gender = arrays
    named = {"gender": gender, "ones": np.ones(400), "short": gender[:3], None: None}
    with pytest.raises(ValueError, match=message) as caught:
        erase(x, named[arguments[0]], arguments[1], **options)
    assert "\n" not in str(caught.value)


FIXED = {"components": 3, "steps": 10, "key": KEY}


def test_matching_names_its_own_features(arrays):
    x, gender = arrays
    fast = {"dimensions": 3, "hidden": 8, "steps": 2}
    eraser = erase(x, gender, "matching", subjects=np.arange(400) // 4, **fast)
    expected = fit_matching(x, gender, np.arange(400) // 4, **fast)
    np.testing.assert_array_equal(eraser.transform(x), expected(x))
    assert eraser.get_feature_names_out().tolist() == ["matching0", "matching1", "matching2"]
    with pytest.raises(ValueError, match="there are 0; give the subjects"):
        erase(x, gender, "matching", **fast)


def test_transport_takes_subjects_and_unknown_classes(arrays):
    x, gender = arrays
    words = np.array(["female", "male"], dtype=object)[gender]
    words[:50] = None
    subjects = np.arange(400) // 4
    eraser = erase(x, words, "transport", subjects=[f"s{i}" for i in subjects], **FIXED)
    label = np.where(np.arange(400) < 50, -1, gender)
    np.testing.assert_array_equal(eraser.transform(x), fit_transport(x, label, subjects, **FIXED)(x))
    assert eraser.n_samples_ == 400, "rows of unknown class decide on the components"
    assert eraser.get_feature_names_out().tolist() == ["transport0", "transport1", "transport2"]
    assert erase(x, words).get_feature_names_out().tolist() == [f"x{i}" for i in range(6)]


def test_a_drawn_key_is_kept(arrays):
    x, gender = arrays
    eraser = erase(x, gender, "transport", components=3, erasure="leace")
    again = erase(x, gender, "transport", components=3, erasure="leace", key=eraser.transformation_.key)
    np.testing.assert_array_equal(again.transform(x), eraser.transform(x))


def test_several_attributes_are_crossed(arrays):
    x, gender = arrays
    smiling = pd.Series(np.where(np.arange(400) < 50, None, np.arange(400) % 2))
    eraser = erase(x, pd.DataFrame({"gender": gender, "smiling": smiling}))
    assert eraser.classes_.tolist() == ["0, 0", "0, 1", "1, 0", "1, 1"]
    cell = np.where(np.arange(400) < 50, -1, 2 * gender + np.arange(400) % 2)
    np.testing.assert_allclose(eraser.transform(x), fit_leace(x, cell)(x))
