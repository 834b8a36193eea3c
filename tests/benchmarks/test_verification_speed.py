"""Both sides of the benchmark of verification find the same, and what is printed can be read."""

import json
import sys
from types import SimpleNamespace

import pytest

from benchmarks import verification_speed
from benchmarks.verification_speed import SIDES, make_embeddings, measure, ours, usual


def test_both_sides_agree():
    x, identity = make_embeddings(400, 32)
    assert ours(x, identity) == pytest.approx(usual(x, identity), abs=5e-3)
    assert ours(x, identity)[0] == pytest.approx(usual(x.astype("f8"), identity)[0], abs=1e-9)


def test_rounds_are_summed_up(monkeypatch, capsys):
    def here(command, **options):
        assert command[-2] == "--side"
        return SimpleNamespace(stdout=json.dumps(measure(command[-1], *make_embeddings(300, 16))))

    monkeypatch.setattr(verification_speed.subprocess, "run", here)
    arguments = ["--samples=300", "--features=16", "--rounds=2"]
    monkeypatch.setattr(sys, "argv", ["verification_speed", *arguments])
    verification_speed.main()
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    for name in ("ms", "mb"):
        low, high = found[name]["range"]
        assert low <= found[name]["ratio"] <= high
        assert len(found[name][name]) == len(SIDES)
    assert abs(found["auc_of_ours_minus"]["64 bits"]) < 1e-9
    assert found["auc_eer"]["usual"][0] == pytest.approx(found["auc_eer"]["ours"][0], abs=1e-6)
