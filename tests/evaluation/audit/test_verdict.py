from math import isnan, nan

import pytest

from evaluation.audit.verdict import LeakageEstimate, give_verdict


def reading(name="phi", accuracy=0.41, half=0.02, chance=1 / 6, **more):
    return LeakageEstimate(name, "mlp", accuracy, accuracy - half, accuracy + half, chance, **more)


X = reading("x", 0.635, p=0.005, auc=0.99)


def test_the_sentence_of_the_usual_case():
    verdict = give_verdict("emotion", reading(p=0.005, auc=0.9896), X)
    assert verdict.sentence == (
        "emotion is still readable from phi at 41.0 % [39.0, 43.0] (chance 16.7 %, p = .005), by an MLP; "
        "48.0 % of what was readable before (63.5 % in x) is gone; verification AUC .9900 -> .9896."
    )
    assert verdict.level == "readable"
    assert verdict.removed == pytest.approx(100 * (0.635 - 0.41) / (0.635 - 1 / 6))


def test_without_a_before_nothing_is_compared():
    verdict = give_verdict("emotion", X)
    assert verdict.sentence == (
        "emotion is readable from x at 63.5 % [61.5, 65.5] (chance 16.7 %, p = .005), by an MLP; "
        "verification AUC .9900."
    )
    assert isnan(verdict.removed)


@pytest.mark.parametrize(
    ("accuracy", "p", "level"),
    [
        (0.41, 0.05, "readable"),
        (0.17, 0.05, "readable"),  # the test says so, though the interval holds chance
        (0.41, 0.051, "doubtful"),
        (0.17, 0.051, "not found"),
        (0.41, nan, "readable"),
        (0.17, nan, "not found"),
        (0.10, 0.9, "not found"),
    ],
)
def test_what_counts_as_readable(accuracy, p, level):
    assert give_verdict("emotion", reading(accuracy=accuracy, p=p), X).level == level


def test_not_found_is_not_called_absent():
    sentence = give_verdict("emotion", reading(accuracy=0.17, p=0.4), X).sentence
    assert "emotion was not found in phi" in sentence
    assert "17.0 % [15.0, 19.0] (chance 16.7 %, permutation test p = .400)" in sentence
    assert "which proves no absence" in sentence
    assert "readable from phi" not in sentence
    assert "permutation" not in give_verdict("emotion", reading(accuracy=0.17), X).sentence


def test_a_leak_that_the_permutation_test_misses_is_doubted():
    sentence = give_verdict("emotion", reading(p=0.3), X).sentence
    assert "though the permutation test does not confirm it (p = .300)" in sentence


def test_what_was_never_there_cannot_be_removed():
    before = reading("x", 0.17, p=0.6)
    verdict = give_verdict("emotion", reading(accuracy=0.168, p=0.7), before)
    assert "not found before either (17.0 % in x), so there was nothing to remove" in verdict.sentence
    assert "is gone" not in verdict.sentence
    appeared = give_verdict("emotion", reading(p=0.005), before).sentence
    assert "it was not found before (17.0 % in x)" in appeared
    assert "still" not in appeared


def test_more_than_before_is_said():
    verdict = give_verdict("emotion", reading(accuracy=0.7, p=0.005), X)
    assert "that is more than before (63.5 % in x)" in verdict.sentence
    assert verdict.removed < 0
    assert (
        "nothing of what was readable before (63.5 % in x) is gone" in give_verdict("emotion", X, X).sentence
    )


def test_leakage_reduction_stops_at_all_and_overlap_is_reported():
    below = give_verdict("emotion", reading(accuracy=0.1, p=1.0), X)
    assert "100.0 % of what was readable" in below.sentence
    assert below.removed == 100
    assert "overlap" not in below.sentence
    assert "though the two intervals overlap" in give_verdict("emotion", reading(accuracy=0.61), X).sentence


@pytest.mark.parametrize(
    ("auc", "collapsed"), [(0.75, True), (0.76, False), (0.5, True), (0.4, True), (0.99, False)]
)
def test_verification_that_collapsed_is_said(auc, collapsed):
    sentence = give_verdict(
        "emotion", reading(p=0.005, auc=auc), reading("x", 0.635, p=0.005, auc=1.0)
    ).sentence
    assert ("verification collapsed with it" in sentence) == collapsed
    assert f"1.0000 -> {auc:.4f}".replace("-> 0", "-> ") in sentence


def test_an_unknown_verification_is_not_spoken_of():
    assert "verification" not in give_verdict("emotion", reading(auc=0.9), reading("x", 0.6)).sentence


@pytest.mark.parametrize(
    ("count", "words"),
    [(1, "a warning of the checks below limits"), (3, "3 warnings of the checks below limit ")],
)
def test_warnings_are_spoken_of(count, words):
    assert words in give_verdict("emotion", reading(warnings=count), X).sentence
    assert "warning" not in give_verdict("emotion", reading(), X).sentence


def test_the_attacker_is_named_with_its_article():
    for attacker, words in (
        ("mlp", "by an MLP;"),
        ("forest", "by a random forest;"),
        ("knn", "by nearest neighbours;"),
        ("new", "by new;"),
    ):
        after = LeakageEstimate("phi", attacker, 0.4, 0.38, 0.42, 1 / 6)
        assert words in give_verdict("emotion", after, X).sentence
