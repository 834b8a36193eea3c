"""The study of an eraser's subjects: the halves share none, each share is measured once."""

import sys

import numpy as np
import pandas as pd
import pytest

from benchmarks import eraser_curves
from benchmarks.eraser_curves import SHARES, Point, points
from tests.support.embedding_tree import make_table


def test_each_point_is_measured_once():
    found = list(points(["raw", "leace"], [0, 1]))
    assert len(found) == len(set(found)) == 2 * (4 + 3 + 4)
    assert {point.of_eraser for point in found if point.setting == "raw"} == {1.0}
    assert len({point.name for point in found}) == len(found)
    for setting in ("of_eraser", "of_attackers"):
        assert {getattr(point, setting) for point in found} == set(SHARES)


def test_eraser_attackers_and_test_share_no_subject(monkeypatch):
    seen = {}
    train, tested = (
        eraser_curves.Samples(
            np.random.default_rng(0).normal(size=(120, 4)), np.arange(120) % 2, first + np.arange(120) // 4
        )
        for first in (0, 100)
    )

    def fit(samples, setting, seed):
        seen["eraser"] = set(samples.identity)
        return np.asarray

    def attack(samples, *, extra, **options):
        seen["attackers"] = set(extra.identity)
        seen["test"] = set(samples.identity)
        raise InterruptedError

    monkeypatch.setattr(eraser_curves, "fit_setting", fit)
    monkeypatch.setattr(eraser_curves, "cross_fitted_leakage", attack)
    for of_eraser, of_attackers, sizes in ((1, 1, (15, 15)), (0.4, 1, (6, 15)), (1, 0.2, (15, 3))):
        with pytest.raises(InterruptedError):
            eraser_curves.measure(train, tested, Point("leace", of_eraser, of_attackers, 0), ["linear"])
        assert (len(seen["eraser"]), len(seen["attackers"])) == sizes
        assert not seen["eraser"] & seen["attackers"]
        assert not seen["test"] & (seen["eraser"] | seen["attackers"])


@pytest.mark.slow
def test_the_curves_are_printed_and_drawn_from_finished_points(monkeypatch, tmp_path, capsys):
    make_table(per_split=144).save(tmp_path / "x.safetensors")
    monkeypatch.setattr(eraser_curves, "SHARES", (0.5, 1.0))
    command = ["eraser_curves", str(tmp_path / "x.safetensors"), "--work", str(tmp_path)]
    command += ["--sensitive", "emotion", "--settings", "raw", "leace", "--seeds", "0"]
    command += ["--attackers", "linear"]
    monkeypatch.setattr(sys, "argv", [*command, "--figure", str(tmp_path / "curves.svg")])
    eraser_curves.main()
    rows = [pd.read_csv(path) for path in (tmp_path / "x-emotion").glob("*.csv")]
    assert len(rows) == 2 + 3
    whole, erased = (
        pd.read_csv(tmp_path / "x-emotion" / f"{name}_1.0_1.0_0.csv").iloc[0] for name in ("raw", "leace")
    )
    assert whole["low"] <= whole["balanced_accuracy"] <= whole["high"]
    assert whole["balanced_accuracy"] > erased["balanced_accuracy"] + 0.1
    printed = capsys.readouterr().out
    assert f"{whole['balanced_accuracy']:.6f}"[:6] in printed
    assert (tmp_path / "curves.svg").stat().st_size > 1000
    monkeypatch.setattr(eraser_curves, "measure", lambda *args: pytest.fail("measured again"))
    eraser_curves.main()
