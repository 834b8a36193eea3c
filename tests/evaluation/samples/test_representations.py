"""Representations that lack samples: what is left out, and that nothing of another sample moves in."""

from dataclasses import replace

import numpy as np
import pytest

from evaluation.samples.representations import Representations

N = 6


@pytest.fixture
def data() -> Representations:
    """`x` has all samples, `short` lacks the samples 1 and 4; each embedding holds its sample's number."""
    whole = np.stack([np.arange(N), np.full(N, np.nan)], axis=1).astype(np.float32)
    whole[:, 1] = 1
    short = whole.copy()
    short[[1, 4]] = np.nan
    return Representations(
        embeddings={"x": whole, "short": short},
        labels={"a": np.arange(N) % 2},
        classes={"a": ("0", "1")},
        identity=np.arange(N) // 2,
        split=np.full(N, 2),
        sample_id=np.arange(N).astype(str),
        block=np.arange(N) // 3,
        seen={"x": np.zeros(N, np.int64)},
    )


def test_samples_that_a_representation_lacks_are_left_out(data):
    assert data.present("x").all()
    assert data.present("short").tolist() == [True, False, True, True, False, True]
    for rows in (np.array([5, 1, 2]), np.isin(np.arange(N), [1, 2, 5])):
        found = data.samples("short", "a", rows)
        order = [5, 2] if rows.dtype != bool else [2, 5]
        assert found.embedding[:, 0].tolist() == order
        assert found.label.tolist() == [place % 2 for place in order]
        assert found.identity.tolist() == [place // 2 for place in order]
        assert found.block.tolist() == [place // 3 for place in order]
    assert len(data.samples("x", "a").label) == N
    assert len(data.samples("short", "a").label) == N - 2


def test_a_representation_alone_has_its_own_samples(data):
    one, present = data.alone("short")
    assert list(one.embeddings) == ["short"]
    assert np.isfinite(one.embeddings["short"]).all()
    kept = np.flatnonzero(present)
    assert one.sample_id.tolist() == kept.astype(str).tolist()
    for column, whole in ((one.identity, data.identity), (one.block, data.block), (one.split, data.split)):
        assert column.tolist() == whole[kept].tolist()
    assert one.seen["x"].tolist() == [0] * 4
    whole, present = data.alone("x")
    assert present.all()
    assert whole.embeddings["x"] is data.embeddings["x"], "nothing is copied without need"


def test_a_row_that_is_nan_in_part_is_no_missing_sample(data):
    diverged = data.embeddings["x"].copy()
    diverged[2, 0] = np.nan
    assert replace(data, embeddings={"x": diverged}).present("x").all()


def test_columns_of_other_lengths_are_refused(data):
    with pytest.raises(ValueError, match="seen by x has 5 rows, identity has 6"):
        replace(data, seen={"x": np.zeros(5, np.int64)})
