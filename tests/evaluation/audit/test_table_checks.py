"""The metadata of an audit's tables is checked before anything is measured."""

from dataclasses import replace

import numpy as np
import pytest

from evaluation.audit.rows import choose_rows
from evaluation.audit.settings import AuditSettings
from evaluation.audit.table_checks import check_tables
from evaluation.samples.representations import Representations

N = 40


@pytest.fixture
def data() -> Representations:
    """Twenty subjects of two samples; the first ten are in train, the others in test."""
    x = np.random.default_rng(0).normal(size=(N, 3))
    return Representations(
        embeddings={"x": x, "phi": x.copy()},
        labels={"a": np.arange(N) % 2},
        classes={"a": ("0", "1")},
        identity=np.arange(N) // 2,
        split=np.where(np.arange(N) < N // 2, 0, 2),
        sample_id=np.array([f"s{place}" for place in range(N)]),
    )


def checked(data: Representations, **options) -> list[tuple[str | None, str]]:
    settings = AuditSettings(**options)
    caveats = check_tables(data, choose_rows(data, settings), settings)
    return [(caveat.representation, caveat.text) for caveat in caveats]


def lacking(data: Representations, rows) -> Representations:
    short = data.embeddings["phi"].copy()
    short[rows] = np.nan
    return replace(data, embeddings=data.embeddings | {"phi": short})


def test_nothing_is_said_of_sound_tables(data):
    assert checked(data) == []


def test_few_missing_samples_are_a_caveat(data):
    ((name, text),) = checked(lacking(data, [25, 3, 4]))
    assert name == "phi"
    assert text.startswith("Missing samples: phi lacks 1 of the 20 tested samples (5.0 %), and 2 of the 20 ")


def test_many_missing_samples_are_refused_without_leave(data):
    short = lacking(data, [25, 26])
    with pytest.raises(ValueError, match=r"phi lacks 2 of the 20 tested samples \(10.0 %\), first 's25'"):
        checked(short)
    assert len(checked(short, allow_missing=0.1)) == 1


def test_subjects_learned_from_are_refused_without_leave(data):
    seen = replace(data, seen={"phi": np.where(data.identity >= 15, 1, -1)})
    with pytest.raises(ValueError, match="phi learned from 5 of the 10 subjects tested, .*'s30'"):
        checked(seen)
    ((name, text),) = checked(seen, allow_seen=True)
    assert name == "phi"
    assert "phi learned from 5 of the 10 subjects tested" in text
    assert checked(replace(data, seen={"phi": np.where(data.identity >= 10, 0, 1)})) == []


def test_a_subject_in_two_splits_is_said(data):
    moved = data.split.copy()
    moved[N - 1] = 0
    ((name, text),) = checked(replace(data, split=moved))
    assert name is None
    assert text.startswith(
        "Split: 1 of 20 subjects, such as that of sample 's38', have samples in more than "
    )
    assert "train and test" in text
    unknown = np.where(np.arange(N) >= N - 2, -1, data.identity)
    assert checked(replace(data, split=moved, identity=unknown)) == [], "nobody knows whose they are"
