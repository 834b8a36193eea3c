"""A small sweep whose trainings are fake."""

import hashlib
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from recipes import sweep as recipe
from recipes.sweeping.sweep_commands import SweepRun
from recipes.sweeping.sweep_file import Sweep
from tests.support.exit_codes import exit_code

FAKE = str(Path(__file__).with_name("fake_training.py"))
SWEEP = """
program: recipes/train.py
method: grid
metric: {name: val/leakage/emotion, goal: minimize}
parameters:
  model.init_args.lambda_: {values: [0, 0.5, 1]}
  seed_everything: {values: [0, 1]}
command: ["${env}", "${interpreter}", "${program}", --config, lntl.yaml, --config, "${args_json_file}"]
"""


def write_checkpoint(out: Path) -> None:
    """Write the checkpoint of epoch 1 that `fake_training.py` copies."""
    out.mkdir(parents=True, exist_ok=True)
    torch.save({"state_dict": {}, "epoch": 1}, out / "best.ckpt")


def faked(run: SweepRun, *how: str) -> SweepRun:
    """The run with the fake training in place of its own."""
    return replace(run, command=[sys.executable, "-S", FAKE, str(run.folder), *how])


def fake_plan(sweep: Sweep, out: Path, extra: list[str]) -> list[SweepRun]:
    """As `planned_runs`, without parsing; a hash of what it is given names a folder."""
    keys = [hashlib.sha256(repr((point, extra)).encode()).hexdigest() for point in sweep.points()]
    points = zip(keys, sweep.points(), strict=True)
    return [faked(SweepRun(point, out / key[:12], [], "{}")) for key, point in points]


def fake_runs(out: Path, strengths=(0, 1), seeds=(0, 1)) -> list[SweepRun]:
    write_checkpoint(out)
    points = [{"model.init_args.lambda_": x, "seed_everything": s} for x in strengths for s in seeds]
    return [faked(SweepRun(point, out / f"run{i}", [], "{}")) for i, point in enumerate(points)]


def run_recipe(
    plan: Callable[..., list[SweepRun]], options: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> tuple[int, str, str]:
    """Run the recipe with these runs; returns its exit code, what it printed, and its errors."""
    monkeypatch.setattr(recipe, "planned_runs", plan)
    monkeypatch.setattr(sys, "argv", ["sweep.py", "sweep.yaml", *options])
    return (exit_code(recipe.main), *capsys.readouterr())


def started(out: Path) -> list[str]:
    """The folders of the trainings that were started, in order."""
    file = out / "started.txt"
    return file.read_text().split() if file.is_file() else []
