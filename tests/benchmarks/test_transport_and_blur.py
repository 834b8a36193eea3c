"""The study of transport and blur: roles that share no subject, a row of each setting, the unseen crowd."""

import sys
from functools import partial

import numpy as np
import pandas as pd
import pytest

from benchmarks import transport_and_blur
from benchmarks.transport_and_blur import make_roles
from evaluation.erasers.leace import fit_leace
from evaluation.erasers.matching_fit import fit_matching
from evaluation.erasers.transport_fit import fit_transport
from evaluation.samples.labelled_samples import Samples
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


def test_a_setting_names_the_eraser_and_its_options(monkeypatch):
    rng = np.random.default_rng(0)
    train = Samples(rng.normal(size=(80, 6)), np.arange(80) % 2, np.arange(80) // 4)
    monkeypatch.setattr(transport_and_blur, "fit_matching", partial(fit_matching, steps=2, hidden=4))
    for setting, expected in (
        ("matching:4:9", fit_matching(*train[:3], dimensions=4, weight=9, steps=2, hidden=4, seed=1)),
        ("leace:3:0.5", fit_transport(*train[:3], components=3, erasure="leace", key="00" * 32, seed=1)),
        ("leace", fit_leace(*train[:2])),
        ("raw", np.asarray),
    ):
        found = transport_and_blur.fit_setting(train, setting, 1)(train.embedding)
        np.testing.assert_array_equal(found, expected(train.embedding))
