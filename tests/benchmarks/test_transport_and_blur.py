"""The study of transport and blur: roles that share no subject, a row of each setting, the unseen crowd."""

import sys

import numpy as np
import pandas as pd
import pytest

from benchmarks import transport_and_blur
from benchmarks.transport_and_blur import make_roles
from tests.support.embedding_tree import make_table


@pytest.mark.parametrize("crowd", ["seen", "unseen"])
def test_no_attacker_learns_from_a_test_subject(crowd):
    subjects = np.arange(300) // 3
    split = np.repeat([0, 1, 2], [180, 60, 60])
    roles = make_roles(split, subjects, crowd, 0)
    for rows in (*roles.sources.values(), roles.eraser):
        assert not set(subjects[rows]) & set(subjects[roles.test])
    assert not set(subjects[roles.eraser]) & set(subjects[roles.validation])
    if crowd == "unseen":
        (rows,) = roles.sources.values()
        assert not set(subjects[rows]) & set(subjects[roles.eraser])
        assert len(set(subjects[roles.eraser])) == 30
        assert rows.sum() == 60 + 90


def test_every_setting_makes_a_row(monkeypatch, tmp_path, capsys):
    make_table(per_split=144).save(tmp_path / "x.safetensors")
    command = ["transport_and_blur", str(tmp_path / "x.safetensors"), "--work", str(tmp_path / "work")]
    command += ["--sensitive", "emotion", "--settings", "raw", "leace:4:0.5", "--attackers", "linear", "knn"]
    monkeypatch.setattr(sys, "argv", command)
    transport_and_blur.main()
    folder = tmp_path / "work" / "x-emotion-seen"
    rows = pd.concat([pd.read_csv(path) for path in folder.glob("*.csv")])
    assert sorted(rows["setting"].unique()) == ["leace:4:0.5", "raw"]
    assert len(rows) == 2 * 2 * 2 * 2, "attackers, scalings, sources, settings"
    assert rows[rows["setting"] == "raw"]["balanced_accuracy"].max() > 0.8
    assert "removed" in capsys.readouterr().out
    monkeypatch.setattr(transport_and_blur, "erased", lambda *args: pytest.fail("computed again"))
    transport_and_blur.main()
