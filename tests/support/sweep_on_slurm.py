"""A small sweep whose trainings are fake, on a played SLURM."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from recipes import sweep
from recipes.sweeping import sweep_runs
from recipes.sweeping.sweep_run_folder import SweepRun
from tests.support.played_slurm import play_slurm, start
from tests.support.sweep_folder import SWEEP, fake_plan, faked, run_recipe, write_checkpoint

TRAINER = {"num_nodes": 1, "devices": 1, "accelerator": "cpu"}
ON_SLURM = ["--cluster=slurm", "--config=hardware/slurm.yaml"]


def prepare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of `play_slurm`, with a sweep of four runs beside it."""
    folder = play_slurm(tmp_path, monkeypatch)
    monkeypatch.setattr(sweep_runs, "_POLL", 0.02)
    monkeypatch.setenv("COLUMNS", "200")
    Path("sweep.yaml").write_text(SWEEP.replace("[0, 0.5, 1]", "[0, 1]"))
    write_checkpoint(Path("out"))
    return folder


def caller(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Callable[..., tuple[int, str, str]]:
    """Runs the recipe; returns its exit code, what it printed, and its errors."""

    def run(
        *options: str, out: str = "out", fail: tuple[int, ...] = (), config: Mapping[int, Any] | None = None
    ) -> tuple[int, str, str]:
        def planned(*asked: Any) -> list[SweepRun]:
            plain = {"seed_everything": 0, "trainer": TRAINER}
            content = [plain | (config or {}).get(i, {}) for i in range(4)]
            return [
                replace(faked(run, "fail" if i in fail else "0"), config=json.dumps(content[i]))
                for i, run in enumerate(fake_plan(*asked))
            ]

        return run_recipe(planned, [f"--out={out}", *options], monkeypatch, capsys)

    return run


def work(slurm: Path, *jobs: str) -> None:
    """Run jobs to their end."""
    for job in jobs:
        start(slurm, job, tasks=1).wait(60)
        (slurm / "queue" / job).unlink()


def submitted(slurm: Path) -> int:
    """Count the jobs that sbatch took."""
    return len(list(slurm.glob("*.script")))


def runs_of(out: str = "out") -> list[SweepRun]:
    """The runs, without commands."""
    return fake_plan(sweep.read_sweep("sweep.yaml"), Path(out), [])
