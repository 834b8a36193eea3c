"""Whom the attackers of an audit learn from: whichever lets them read more."""

from dataclasses import replace

import numpy as np
import pytest

from evaluation.audit.attack_sections import measure_access
from evaluation.audit.rows import choose_rows, unseen_crowd
from evaluation.audit.sections import measure_leakage
from evaluation.audit.settings import AuditSettings
from evaluation.samples.representations import Representations

UNSEEN, TRAINING = 30, 600


def faces(sign: int) -> Representations:
    """Noise in 40 features but one, which tells the class; of the training people with the sign given."""
    rng = np.random.default_rng(0)
    label = np.arange(UNSEEN + TRAINING) % 2
    split = np.where(np.arange(len(label)) < UNSEEN, 2, 0)
    x = rng.normal(size=(len(label), 40))
    x[:, 0] += 2 * (2 * label - 1) * np.where(split == 2, 1, sign)
    return Representations(
        {"x": x}, {"a": label}, {"a": ("no", "yes")}, np.arange(len(label)), split, np.array(label, str)
    )


@pytest.mark.parametrize(("sign", "learned_from"), [(1, "also training"), (-1, "unseen")])
def test_the_better_of_the_two_is_kept(sign, learned_from):
    settings = AuditSettings(attackers=["linear"], scalings=["standardised", "raw"], folds=3, tune=False)
    one = faces(sign)
    table = measure_leakage(one, "a", choose_rows(one, settings), settings)["leakage"]
    assert table["scaling"].tolist() == ["standardised", "raw"]
    assert table["learned_from"].tolist() == [learned_from, "unseen"]
    assert table["n"].tolist() == [UNSEEN, UNSEEN]
    found = measure_leakage(one, "a", choose_rows(one, AuditSettings(extra=False)), settings)
    alone = found["leakage"]
    assert alone["learned_from"].tolist() == ["unseen", "unseen"]
    gain = table["balanced_accuracy"][0] - alone["balanced_accuracy"][0]
    assert gain > 0.05 if sign == 1 else gain == 0


def half_learned(signs: tuple[int, int]) -> Representations:
    """It learned from half of the training people; signs of these and of the others."""
    one = faces(1)
    learned = (one.split == 0) & (np.arange(len(one)) % 4 < 2)
    x = one.embeddings["x"].copy()
    mean = 2 * (2 * one.labels["a"] - 1)
    for part, sign in ((learned, signs[0]), ((one.split == 0) & ~learned, signs[1])):
        x[part, 0] += (sign - 1) * mean[part]
    return replace(one, embeddings={"x": x}, seen={"x": np.where(learned, 1, 0)})


def test_attackers_learn_from_training_subjects_it_has_not_met():
    settings = AuditSettings(attackers=["linear"], scalings=["standardised"], folds=3, tune=False)
    for signs, best in (((-1, 1), "unseen crowd"), ((1, 1), "also training")):
        one = half_learned(signs)
        frames = measure_leakage(one, "a", choose_rows(one, settings), settings)
        assert frames["leakage"]["learned_from"].tolist() == [best]
        assert frames["_correct"]["learned_from"].tolist() == ["unseen", "also training", "unseen crowd"]
    only = AuditSettings(**{**vars(settings), "extra": False})
    frames = measure_leakage(one, "a", choose_rows(one, only), only)
    assert frames["_correct"]["learned_from"].tolist() == ["unseen"]


@pytest.mark.parametrize(
    ("one", "learned_from"),
    [
        (faces(1), "also training"),
        (faces(-1), "unseen"),
        (half_learned((-1, 1)), "unseen crowd"),
        (half_learned((1, -1)), "unseen"),
    ],
)
def test_attackers_of_every_access_learn_from_them_too(one, learned_from):
    settings = AuditSettings(folds=3)
    rows = choose_rows(one, settings)
    table = measure_access(one, "a", rows, settings, one.embeddings["x"])["access"]
    linear = table[table["attacker"] == "kernel_linear"].set_index("access")
    assert linear["learned_from"].to_dict() == {"retrained": learned_from, "pairs": learned_from}
    assert (linear["n"] == UNSEEN).all()
    alone = measure_access(one, "a", replace(rows, extra=rows.extra[:0]), settings, one.embeddings["x"])
    assert set(alone["access"]["learned_from"]) == {"unseen"}
    columns = ["access", "images", "attacker"]
    assert alone["access"][columns].equals(table[columns])
    assert (table["balanced_accuracy"] >= alone["access"]["balanced_accuracy"]).all()


def test_a_crowd_has_every_class_and_a_record():
    rows = choose_rows(one := half_learned((1, 1)), AuditSettings())
    crowd = unseen_crowd(one, "a", rows)
    assert len(crowd) == TRAINING // 2
    assert (one.seen["x"][crowd] == 0).all()
    unknown = replace(one, seen={"x": np.where(one.seen["x"] == 1, 1, -1)})
    np.testing.assert_array_equal(unseen_crowd(unknown, "a", rows), crowd)
    one_class = np.where(np.isin(np.arange(len(one)), crowd), 0, one.labels["a"])
    for without in (
        replace(one, seen={}),
        replace(one, seen={"x": np.zeros(len(one), int)}),
        replace(one, seen={"x": np.ones(len(one), int)}),
        replace(one, labels={"a": one_class}),
    ):
        assert not len(unseen_crowd(without, "a", rows))
