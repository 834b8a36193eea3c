from math import isnan, nan

import pytest

from evaluation.audit.estimates import Change, Finding, LeakageEstimate, MinorityLeak
from evaluation.audit.verdict import give_verdict

FOUND = Finding(0.005, significant=True, images=900, subjects=300, shuffles=199)
OPEN = Finding(0.3, significant=False, images=900, subjects=300, shuffles=199)


def estimate(name="phi", accuracy=0.41, half=0.02, chance=1 / 6, **more):
    return LeakageEstimate(name, "mlp", accuracy, accuracy - half, accuracy + half, chance, **more)


X = estimate("x", 0.635, test=FOUND, auc=0.99)
LESS = Change(-0.225, -0.25, -0.2, 48.0, 45.0, 51.0)


def verdict_on(after, before=X, change=LESS):
    return give_verdict("emotion", after, before, change)


def test_the_usual_case():
    verdict = verdict_on(estimate(test=FOUND, auc=0.9896))
    assert (verdict.level, verdict.removed) == ("readable", 48.0)
    for fact in (
        "emotion is still readable from phi at 41.0 % [39.0, 43.0] (chance 16.7 %), by an MLP",
        "p = .005, 900 images of 300 subjects",
        "48.0 % [45.0, 51.0] of what was readable before (63.5 % in x) is gone",
        "AUC .9900 -> .9896",
    ):
        assert fact in verdict.sentence


def test_without_a_before_nothing_is_compared():
    verdict = give_verdict("emotion", X)
    assert "verification AUC .9900" in verdict.sentence
    assert "before" not in verdict.sentence
    assert isnan(verdict.removed)


@pytest.mark.parametrize(
    ("accuracy", "tests", "level"),
    [
        (0.41, {"test": FOUND}, "readable"),
        (0.17, {"test": FOUND}, "readable"),  # the test says so, though the interval holds chance
        (0.41, {"test": OPEN}, "doubtful"),
        (0.17, {"test": OPEN}, "not found"),
        (0.17, {"test": OPEN, "beyond": FOUND}, "readable"),
        (0.41, {"test": FOUND, "beyond": OPEN}, "readable"),
        (0.17, {"test": OPEN, "minority": MinorityLeak(0.05, 1.0, 0.005, significant=True)}, "readable"),
        (0.41, {}, "readable"),
        (0.17, {}, "not found"),
        (0.10, {"test": OPEN}, "not found"),
    ],
)
def test_the_level_follows_the_tests(accuracy, tests, level):
    verdict = verdict_on(estimate(accuracy=accuracy, **tests))
    assert verdict.level == level
    assert verdict.sentence.startswith("emotion is still readable") == (level == "readable")


def test_both_hypotheses_are_named():
    sentence = verdict_on(estimate(test=FOUND, beyond=OPEN)).sentence
    assert "not shown to be readable beyond identity (p = .300" in sentence
    assert "also beyond identity (p = .005" in verdict_on(estimate(test=FOUND, beyond=FOUND)).sentence


def test_a_leaking_minority_is_named():
    minority = MinorityLeak(0.05, 0.99, 0.01, significant=True)
    sentence = verdict_on(estimate(accuracy=0.18, test=OPEN, minority=minority)).sentence
    assert "of the 5 % of the samples that a classifier is surest of it reads 99.0 % (p = .010)" in sentence
    assert "shows no leak over all samples" in sentence


def test_not_found_is_not_called_absent():
    sentence = verdict_on(estimate(accuracy=0.17, test=OPEN, smallest=0.25)).sentence
    assert "emotion was not found in phi" in sentence
    assert "17.0 % [15.0, 19.0] (chance 16.7 %)" in sentence
    assert "proves no absence" in sentence
    assert "p = .300" in sentence
    assert "a leak of 25.0 % would be found in 4 of 5 cases" in sentence
    assert "permutation" not in verdict_on(estimate(accuracy=0.17)).sentence


def test_a_leak_that_the_permutation_test_misses_is_open():
    sentence = verdict_on(estimate(test=OPEN)).sentence
    assert sentence.startswith("whether emotion is readable from phi is open")
    assert "does not confirm (p = .300" in sentence


def test_too_few_shuffles_are_named_as_the_reason():
    few = Finding(0.05, significant=False, images=90, subjects=30, shuffles=19, enough=False)
    verdict = verdict_on(estimate(test=few))
    assert verdict.level == "doubtful"
    assert "19 shuffles of the permutation test are too few" in verdict.sentence


def test_nothing_found_before_leaves_nothing_to_remove():
    before = estimate("x", 0.17, test=OPEN)
    none = Change(-0.002, -0.014, 0.01, nan)
    verdict = verdict_on(estimate(accuracy=0.168, test=OPEN), before, none)
    assert "not found before either (17.0 % in x), so there was nothing to remove" in verdict.sentence
    appeared = verdict_on(estimate(test=FOUND), before, Change(0.24, 0.2, 0.3, nan)).sentence
    assert "it was not found before (17.0 % in x)" in appeared
    assert "still" not in appeared
    hardly = verdict_on(estimate(), estimate("x", 0.17, test=FOUND), none).sentence
    assert "hardly above chance" in hardly


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Change(0.06, 0.03, 0.09, -13.0), "more than before (63.5 % in x)"),
        (
            Change(-0.01, -0.03, 0.01, 2.0),
            "not shown to be less than before (63.5 % in x; difference −1.0 points",
        ),
        (Change(-0.01, -0.03, -0.005, 2.0), "2.0 % of what was readable before (63.5 % in x) is gone"),
    ],
)
def test_more_less_and_same_follow_the_paired_interval(change, words):
    assert words in verdict_on(estimate(test=FOUND), change=change).sentence


@pytest.mark.parametrize(
    ("auc", "collapsed"), [(0.75, True), (0.76, False), (0.5, True), (0.4, True), (0.99, False)]
)
def test_verification_that_collapsed_is_said(auc, collapsed):
    sentence = verdict_on(estimate(test=FOUND, auc=auc), estimate("x", 0.635, test=FOUND, auc=1.0)).sentence
    assert ("verification collapsed with it" in sentence) == collapsed
    assert f"1.0000 -> {auc:.4f}".replace("-> 0", "-> ") in sentence


def test_an_unknown_verification_is_not_spoken_of():
    assert "verification" not in verdict_on(estimate(auc=0.9), estimate("x", 0.6)).sentence


@pytest.mark.parametrize(
    ("count", "words"),
    [(1, "a warning of the checks below limits"), (3, "3 warnings of the checks below limit ")],
)
def test_warnings_are_spoken_of(count, words):
    assert words in verdict_on(estimate(warnings=count)).sentence
    assert "warning" not in verdict_on(estimate()).sentence


@pytest.mark.parametrize(
    ("attacker", "scaling", "words"),
    [
        ("mlp", "standardised", "by an MLP;"),
        ("forest", "raw", "by a random forest on raw rows;"),
        ("knn", "unit", "by nearest neighbours on unit-length rows;"),
        ("some.module.Estimator", "standardised", "by Estimator;"),
    ],
)
def test_the_attacker_is_named_with_its_scaling(attacker, scaling, words):
    after = LeakageEstimate("phi", attacker, 0.4, 0.38, 0.42, 1 / 6, scaling)
    assert words in verdict_on(after).sentence
