import os
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from evaluation.audit import cache as audit_cache
from evaluation.audit.cache import AuditCache, fingerprint

FRAME = pd.DataFrame(
    {
        "name": ["NA", "1", "", 'a,"b"\n', None],
        "share": [0.1 + 0.2, 1e-300, np.nan, np.inf, -0.0],
        "count": [1, 2, 3, 4, 2**60],
    }
)


class Measure:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self):
        self.calls += 1
        return {"a": FRAME, "b": FRAME.head(0)}


def test_what_was_measured_is_read_and_not_measured_again(tmp_path):
    measure = Measure()
    first = AuditCache(tmp_path).get({"folds": 5}, measure)
    second = AuditCache(tmp_path).get({"folds": 5}, measure)
    assert measure.calls == 1
    for found in (first, second):
        assert list(found) == ["a", "b"]
        assert_frame_equal(found["a"], FRAME, check_exact=True)
        assert list(found["b"]) == list(FRAME)


def test_another_key_or_another_version_of_the_code_is_measured(tmp_path, monkeypatch):
    measure = Measure()
    AuditCache(tmp_path).get({"folds": 5}, measure)
    AuditCache(tmp_path).get({"folds": 6}, measure)
    assert measure.calls == 2
    monkeypatch.setattr(audit_cache, "measuring_digest", lambda: "another version")
    AuditCache(tmp_path).get({"folds": 5}, measure)
    AuditCache(tmp_path).get({"folds": 5}, measure)
    assert measure.calls == 3


def test_an_interrupted_measure_leaves_nothing_that_counts(tmp_path):
    def stopped():
        raise KeyboardInterrupt

    cache = AuditCache(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        cache.get({}, stopped)
    measure = Measure()
    assert list(cache.get({}, measure)) == ["a", "b"]
    assert measure.calls == 1
    assert not list(tmp_path.glob("*.part"))


def test_an_interrupted_write_leaves_nothing_that_counts(tmp_path, monkeypatch):
    cache, write = AuditCache(tmp_path), pd.DataFrame.to_parquet

    def disk_full(frame, path):
        if path.stem == "b":
            raise OSError("disk full")
        write(frame, path)

    monkeypatch.setattr(pd.DataFrame, "to_parquet", disk_full)
    with pytest.raises(OSError, match="disk full"):
        cache.get({}, Measure())
    monkeypatch.undo()
    measure = Measure()
    assert list(cache.get({}, measure)) == ["a", "b"]
    assert measure.calls == 1


def test_the_fingerprint_sees_numbers_types_shapes_and_order():
    x = np.arange(6.0)
    others = [x + 1e-12, x.astype(np.float32), x.reshape(2, 3), x[::-1], np.arange(7.0)]
    assert fingerprint(x) == fingerprint(x.copy())
    assert len({fingerprint(y) for y in (x, *others)}) == 6
    assert fingerprint(x, x) != fingerprint(x)
    assert fingerprint(np.array(["a", "b"])) != fingerprint(np.array(["a", "c"]))
    assert fingerprint(x[::2]) == fingerprint(x[::2].copy())


def _cut(path):
    path.write_bytes(path.read_bytes()[:-20])


def _flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _other_columns(path):
    pd.DataFrame({"other": [1.0]}).to_parquet(path)


@pytest.mark.parametrize("spoil", [_cut, _flip, _other_columns, Path.unlink])
@pytest.mark.parametrize("name", ["a.parquet", "sums.json"])
def test_what_is_damaged_is_measured_again(tmp_path, spoil, name):
    measure = Measure()
    AuditCache(tmp_path).get({}, measure)
    (path,) = tmp_path.glob(f"*/{name}")
    spoil(path)
    with pytest.warns(UserWarning, match="is damaged .* measured again"):
        found = AuditCache(tmp_path).get({}, measure)
    assert measure.calls == 2
    assert_frame_equal(found["a"], FRAME, check_exact=True)
    AuditCache(tmp_path).get({}, measure)
    assert measure.calls == 2


def test_the_cache_says_what_it_holds_and_when_it_was_measured(tmp_path):
    cache = AuditCache(tmp_path)
    assert cache.last_measured() == ""
    cache.get({"folds": 5}, Measure())
    assert (cache.holds({"folds": 5}), cache.holds({"folds": 6})) == (True, False)
    noon = datetime(2026, 11, 30, 12).timestamp()
    for path in tmp_path.glob("*/sums.json"):
        os.utime(path, (noon, noon))
    cache.get({"folds": 5}, Measure())
    assert cache.last_measured() == "2026-11-30"
