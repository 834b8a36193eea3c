"""Constructions without a leak, in which nothing may be found, and tables that must be refused."""

import numpy as np

from benchmarks.audit_validity.case import Construction, Right, Table
from benchmarks.audit_validity.geometry import Rng, cloud, draw_label, linear_leak, null_table, subjects_of
from evaluation.erasers.leace import fit_leace

NOT_FOUND = "not found"


def independent(rng: Rng) -> list[Table]:
    """No leak."""
    return [null_table(rng)]


def changing(rng: Rng) -> list[Table]:
    """No leak."""
    identity = subjects_of(60, 5)
    label = draw_label(identity, rng, constant=False)
    return [Table(cloud(identity, 16, rng, between=0.7), label, identity)]


def two_ids(rng: Rng) -> list[Table]:
    """No leak; every photograph is there twice, under two ids."""
    table = null_table(rng, subjects=120, images=3)
    identity = np.concatenate([table.identity, table.identity + 120])
    return [Table(np.tile(table.embedding, (2, 1)), np.tile(table.label, 2), identity)]


def takes(rng: Rng) -> list[Table]:
    """No leak; three takes of three like frames of each subject, labelled by take."""
    take = subjects_of(40 * 3, 3)
    label = rng.integers(2, size=120)[take]
    places = cloud(subjects_of(40, 3), 16, rng, between=0.5)  # of the takes
    x = places[take] + 0.1 * rng.normal(size=(360, 16))
    return [Table(x, label, take // 3)]


def named_takes(rng: Rng) -> list[Table]:
    """No leak; three takes of three frames of each subject, labelled by take, which a column names."""
    take = subjects_of(40 * 3, 3)
    label = rng.integers(2, size=120)[take]
    places = cloud(subjects_of(40, 3), 16, rng, between=0.5)
    x = places[take] + 0.7 * rng.normal(size=(360, 16))
    return [Table(x, label, take // 3, block=take)]


def memoriser(rng: Rng) -> list[Table]:
    """No leak of unseen subjects, all of the training subjects."""
    identity = subjects_of(200, 3)
    label = draw_label(identity, rng)
    x = cloud(identity, 16, rng, between=0.7)
    train = identity < 100
    x[train, 0] += 6 * (label[train] - 0.5)
    return [Table(x, label, identity, split=np.where(train, 0, 2))]


def few_shuffles(rng: Rng) -> list[Table]:
    """.90, but the test has too few shuffles to say so."""
    identity = subjects_of(100, 3)
    label = draw_label(identity, rng)
    return [Table(linear_leak(identity, label, 12, 0.9, rng), label, identity)]


def contradicting_splits(rng: Rng) -> list[Table]:
    """Hidden for the tested alone, whom the table after marks as training subjects."""
    identity = subjects_of(160, 3)
    label = draw_label(identity, rng)
    before = linear_leak(identity, label, 12, 0.95, rng)
    test = identity < 80
    after = np.where(test[:, None], cloud(identity, 12, rng), before)
    split = np.where(test, 2, 0)
    return [Table(before, label, identity, split), Table(after, label, identity, 2 - split)]


def short_table(rng: Rng) -> list[Table]:
    """Half of the rows are not in the table after."""
    identity = subjects_of(160, 3)
    label = draw_label(identity, rng)
    before = linear_leak(identity, label, 12, 0.95, rng)
    ids = np.array([f"image {n}" for n in range(480)])
    kept = np.flatnonzero(rng.random(160)[identity] < 0.5)
    after = cloud(identity, 12, rng)
    return [
        Table(before, label, identity, sample_id=ids),
        Table(after[kept], label[kept], identity[kept], sample_id=ids[kept]),
    ]


def learned_from_tested(rng: Rng) -> list[Table]:
    """Erased for the subjects who are tested, of whom the eraser has learned."""
    identity = subjects_of(100, 2)
    label = draw_label(identity, rng)
    before = linear_leak(identity, label, 64, 0.95, rng)
    split = np.full(200, 2)
    after = fit_leace(before, label)(before)
    learned = {"eraser": "leace {}", "erased": "attribute", "eraser learned from": "test"}
    return [Table(before, label, identity, split), Table(after, label, identity, split, provenance=learned)]


NULLS = [
    Construction("independent", Right(NOT_FOUND, at_most=0.65), independent, counts_alarms=True),
    Construction("independent, of images", Right(NOT_FOUND, at_most=0.65), changing, counts_alarms=True),
    Construction(
        "every photograph under two ids", Right(NOT_FOUND, at_most=0.65, says=("identical",)), two_ids
    ),
    Construction("frames of takes, not named", Right(NOT_FOUND), takes, counts_alarms=True),
    Construction("frames of takes, named", Right(NOT_FOUND), named_takes),
    Construction("memoriser", Right(NOT_FOUND, at_most=0.65), memoriser),
    Construction("19 shuffles", Right("doubtful", says=("shuffles",)), few_shuffles, {"permutations": 19}),
]

REFUSED = [
    Construction("contradicting splits", Right(None, says=("split",)), contradicting_splits),
    Construction("half of the rows missing", Right(None, says=("missing",)), short_table),
    Construction("eraser learned from the tested", Right(None, says=("learned",)), learned_from_tested),
]
