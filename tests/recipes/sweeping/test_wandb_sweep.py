"""W&B's own schema, engine and agent take the sweep files, and their runs make the same table as ours.

SWEEPS_PYTHON names an interpreter that has W&B's local engine (`pip install sweeps "numpy<2"`), which does
not go with this package's numpy.
"""

import os
from pathlib import Path

import pandas as pd
import pytest
import yaml
from rich.console import Console

from recipes import sweep as recipe
from recipes.command_line.config_lookup import CONFIGS, TRAIN
from recipes.sweeping.sweep_file import read_sweep
from recipes.sweeping.sweep_metrics import read_validation
from recipes.sweeping.sweep_report import report
from recipes.sweeping.sweep_table import RunResult
from tests.support import toy
from tests.support.wandb_sweep import agent_runs, all_points, engine

SWEEPS = sorted(path.name for path in CONFIGS.glob("sweeps/*.yaml"))
SHORT = [*toy.BACKBONE, *toy.DATA, *toy.QUIET, "--trainer.max_epochs=1"]


@pytest.fixture
def sweeps_python() -> str:
    python = os.environ.get("SWEEPS_PYTHON")
    if not python:
        pytest.skip("SWEEPS_PYTHON is not set: no interpreter with W&B's local sweep engine")
    return python


def _content(name: str) -> dict:
    return yaml.safe_load((CONFIGS / "sweeps" / name).read_text())


@pytest.mark.slow
@pytest.mark.parametrize("name", SWEEPS)
def test_wandbs_schema_and_grid_agree(name, sweeps_python):
    assert all_points(sweeps_python, _content(name)) == list(read_sweep(f"sweeps/{name}").points())


@pytest.mark.slow
def test_the_schema_does_find_faults(sweeps_python):
    with engine(sweeps_python, _content("lntl_lambda.yaml") | {"methd": "grid"}) as asked:
        assert "methd" in " ".join(asked.violations)


@pytest.mark.slow
@pytest.mark.parametrize("cap", [1, 4, 100])
def test_values_of_any_kind_and_a_cap(cap, sweeps_python, tmp_path):
    parameters = {
        "b.c": {"values": [None, True, "x"]},
        "seed_everything": {"values": [0, 1]},
        "a": {"values": [1, 0.5]},
        "one": {"value": False},
    }
    content = _content("lntl_lambda.yaml") | {"parameters": parameters, "run_cap": cap}
    (tmp_path / "sweep.yaml").write_text(yaml.safe_dump(content))
    ours = list(read_sweep(str(tmp_path / "sweep.yaml")).points())
    assert ours == all_points(sweeps_python, content)[:cap]  # the server counts the runs, not the engine


@pytest.mark.slow
def test_a_sweep_by_wandb_gives_the_same_table(sweeps_python, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(
        "OMP_NUM_THREADS", "1"
    )  # the last bits depend on it; ours gives each of two half the cores
    content = _content("lntl_lambda.yaml")
    content["program"] = str(TRAIN)
    content["parameters"]["model.init_args.lambda_"]["values"] = [0, 0.1, 10]
    content["parameters"]["seed_everything"]["values"] = [0, 1]
    place = content["command"].index("--trainer.callbacks+=callbacks.validation_leakage.ValidationLeakage")
    content["command"][place:place] = SHORT
    Path("sweep.yaml").write_text(yaml.safe_dump(content))

    recipe.main(["sweep.yaml", "--out=ours", "--processes=2"])
    ran, summary = [], None
    with engine(sweeps_python, content) as asked:
        while (config := asked.ask(summary)) is not None:
            before = set(Path("runs").glob("lntl/*"))
            assert agent_runs(content, config, f"run{len(ran)}") == 0
            (folder,) = set(Path("runs").glob("lntl/*")) - before
            summary = read_validation(folder)
            ran.append(RunResult({name: value["value"] for name, value in config.items()}, folder))
    Path("theirs").mkdir()
    report(read_sweep("sweep.yaml"), ran, Path("theirs"), None, Console())
    for name in ("sweep.csv", "sweep.md", "chosen.csv"):
        assert Path("ours", name).read_bytes() == Path("theirs", name).read_bytes(), name
    table = pd.read_csv("ours/sweep.csv")
    assert table["n"].to_list() == [2, 2, 2]
    assert table["val/loss"].nunique() == 3, "lambda makes a difference"


@pytest.mark.slow
def test_a_job_of_two_processes_is_one_wandb_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = _content("lntl_lambda.yaml") | {"program": str(TRAIN)}
    quiet = [option for option in toy.QUIET if "logger" not in option]
    content["command"] += [
        "--config", "hardware/ddp.yaml", "--trainer.strategy=ddp_find_unused_parameters_true",
        "--trainer.devices=2", "--trainer.precision=32-true", *toy.BACKBONE, *toy.DATA, *quiet,
        "--trainer.callbacks=null",
    ]  # fmt: skip
    values = {"model.init_args.lambda_": 0.25, "trainer.gradient_clip_val": None}
    values |= {"trainer.max_epochs": 1}  # without which the second process would wait for the first for ever
    config = {name: {"value": value} for name, value in values.items()}
    assert agent_runs(content, config, "ddprun01") == 0
    folder = toy.only_run(tmp_path / "runs")
    assert toy.environment(folder)["processes"] == 2
    resolved = yaml.safe_load((folder / "config.yaml").read_text())
    assert resolved["model"]["init_args"]["lambda_"] == 0.25
    assert resolved["trainer"]["gradient_clip_val"] is None
    files = list(tmp_path.rglob("*.wandb"))
    assert [file.name for file in files] == ["run-ddprun01.wandb"]
