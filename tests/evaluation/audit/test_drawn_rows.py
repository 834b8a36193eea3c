"""The samples that are drawn for an audit of a part."""

from collections import Counter

import numpy as np
import pytest

from evaluation.audit.drawn_rows import draw_tested_rows
from evaluation.audit.rows import choose_rows
from evaluation.audit.settings import AuditSettings
from evaluation.samples.representations import Representations

PEOPLE, IMAGES = 12, 7
EVERY = np.arange(PEOPLE * IMAGES)


def made(**labels) -> Representations:
    """Twelve people of seven images, the last of whom has only two known ones; two are of nobody known."""
    identity = np.repeat(np.arange(PEOPLE), IMAGES)
    identity[-5:] = -1
    labels = labels or {"gender": identity % 2, "ethnicity": identity // 2 % 3}
    labels = {name: np.where(identity < 0, -1, label) for name, label in labels.items()}
    return Representations(
        embeddings={"x": np.zeros((len(identity), 2), np.float32)},
        labels=labels,
        classes={name: tuple(map(str, range(label.max() + 1))) for name, label in labels.items()},
        identity=identity,
        split=np.where(EVERY < 6 * IMAGES, 0, 2),
        sample_id=np.arange(len(identity)).astype(str),
    )


def test_without_a_wish_all_are_taken() -> None:
    rows, told = draw_tested_rows(made(), AuditSettings(), EVERY)
    assert rows.tolist() == EVERY.tolist()
    assert told == ""


def test_so_many_people_with_so_many_samples_each() -> None:
    data = made()
    for seed in range(5):
        rows, told = draw_tested_rows(data, AuditSettings(subjects=10, per_subject=5, seed=seed), EVERY)
        assert told == "10 people drawn at random, 5 of their samples each, from "
        assert sorted(Counter(data.identity[rows].tolist()).values()) == [5] * 10
        assert (data.identity[rows] < PEOPLE - 1).all(), "one with two samples cannot give five"
        assert len(set(rows)) == 50
        assert (np.diff(rows) > 0).all()


def test_people_alone_come_with_all_their_samples() -> None:
    data = made()
    rows, told = draw_tested_rows(data, AuditSettings(subjects=3), EVERY)
    who = np.unique(data.identity[rows])
    assert len(who) == 3
    assert rows.tolist() == np.flatnonzero(np.isin(data.identity, who)).tolist()
    assert "all of their samples" in told
    assert len(np.unique(data.identity[draw_tested_rows(data, AuditSettings(per_subject=7), EVERY)[0]])) == 11


def test_every_group_has_as_many_samples() -> None:
    data = made()
    settings = AuditSettings(sensitive=["gender", "ethnicity"], per_group=9)
    rows, told = draw_tested_rows(data, settings, EVERY)
    groups = Counter(zip(*(data.labels[name][rows].tolist() for name in settings.sensitive), strict=True))
    assert groups == dict.fromkeys([(g, e) for g in range(2) for e in range(3)], 9)
    assert told == "9 samples, drawn at random, of each group by gender and ethnicity, from "


@pytest.mark.parametrize(
    ("small", "large"),
    [
        ({"subjects": 3}, {"subjects": 5}),
        ({"per_subject": 2}, {"per_subject": 2, "subjects": 11}),
        ({"sensitive": ["gender"], "per_group": 4}, {"sensitive": ["gender"], "per_group": 20}),
    ],
)
def test_a_seed_repeats_and_smaller_draws_are_part_of_larger(small, large) -> None:
    data = made()

    def drawn(**options) -> set[int]:
        return set(draw_tested_rows(data, AuditSettings(**options), EVERY)[0].tolist())

    few, many = ({"subjects": 11, **small} if "per_subject" in small else small), large
    assert drawn(**few) <= drawn(**many)
    assert drawn(seed=1, **small) == drawn(seed=1, **small)
    if "subjects" in small:
        assert len({frozenset(drawn(seed=seed, **small)) for seed in range(8)}) > 1


def test_only_the_splits_asked_for_are_drawn_from() -> None:
    data = made()
    rows = choose_rows(data, AuditSettings(subjects=4, per_subject=2))
    assert (data.split[rows.tested] == 2).all()
    assert rows.description.startswith(
        "4 people drawn at random, 2 of their samples each, from the samples of test"
    )
    assert len(rows.extra) == 6 * IMAGES, "attackers may learn from all of the training"
    every = choose_rows(data, AuditSettings(subjects=11, splits=["train", "test"]))
    assert {0, 2} == set(data.split[every.tested].tolist())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"subjects": 13},
            "subjects is 13, per_subject None, but 12 subjects are known to have 1 samples",
        ),
        ({"subjects": 2, "per_subject": 8}, "but 0 subjects are known to have 8 samples"),
        (
            {"sensitive": ["gender"], "per_group": 50},
            "per_group is 50, but the smallest group has 37 ",
        ),
        ({"per_group": 5}, "per_group draws from groups of the sensitive attributes; name these"),
        ({"sensitive": ["age"], "per_group": 5}, "there is no attribute 'age'; there are ethnicity, gender"),
    ],
)
def test_too_few_are_counted(options, message) -> None:
    with pytest.raises(ValueError, match=message):
        draw_tested_rows(made(), AuditSettings(**options), EVERY)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"subjects": 0}, "subjects is 0, it must be 1 or more, or null"),
        ({"per_group": -1, "sensitive": ["a"]}, "per_group is -1"),
        ({"per_group": 5, "subjects": 3, "sensitive": ["a"]}, "choose one"),
        ({"compared": -1}, "compared is -1, it must be 0 or more"),
    ],
)
def test_wishes_that_exclude_one_another_are_refused(options, message) -> None:
    with pytest.raises(ValueError, match=message):
        AuditSettings(**options)
