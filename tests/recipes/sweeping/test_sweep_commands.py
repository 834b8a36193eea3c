"""The commands of a sweep: parsed before any starts, with the values that reach the module."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from recipes.command_line.cli import RecipeCLI
from recipes.command_line.config_lookup import CONFIGS, TRAIN, resolve_configs
from recipes.command_line.usage_error import UsageError
from recipes.sweeping.sweep_commands import agent_command, planned_runs
from recipes.sweeping.sweep_file import SEED, read_sweep
from recipes.sweeping.sweep_metrics import read_validation
from recipes.sweeping.sweep_run_folder import label
from tests.support import toy
from tests.support.sweep_folder import SWEEP

SWEEPS = sorted(f"sweeps/{path.name}" for path in CONFIGS.glob("sweeps/*.yaml"))
# an epoch of the toy data is 4 batches in the order of SensitiveNets
TURNS = [f"--model.init_args.{name}=1" for name in ("rounds", "steps_per_round", "classifier_steps")]


@pytest.fixture
def sweep(tmp_path, monkeypatch):
    """Reads the sweep, changed."""
    monkeypatch.chdir(tmp_path)

    def read(**values):
        Path("sweep.yaml").write_text(yaml.safe_dump(yaml.safe_load(SWEEP) | values))
        return read_sweep("sweep.yaml")

    return read


@pytest.mark.slow
@pytest.mark.parametrize("name", SWEEPS)
def test_every_setting_of_a_shipped_sweep_parses(name, tmp_path):
    shipped = read_sweep(name)
    shipped = replace(shipped, parameters=shipped.parameters | {SEED: [7]})  # time: one stands for all
    runs = planned_runs(shipped, tmp_path / "out")
    assert [run.parameters for run in runs] == list(shipped.points())
    assert len({run.folder for run in runs}) == len(runs)
    assert not (tmp_path / "out").exists(), "planning writes nothing"


@pytest.mark.slow
def test_the_values_reach_the_module(sweep, monkeypatch):
    runs = planned_runs(sweep(), Path("out"), [*toy.BACKBONE, *toy.DATA, *toy.QUIET])
    run = runs[-1]
    run.write_parameters()
    options = run.command[run.command.index(str(TRAIN)) + 1 :]
    monkeypatch.setattr(sys, "argv", ["train.py", *resolve_configs(options), "--trainer.fast_dev_run=true"])
    built = RecipeCLI()
    assert (built.model.lambda_, built.config.seed_everything) == (1, 1)
    assert built.datamodule.seed == 1


def test_null_booleans_and_lists_survive_wandbs_flat_file(sweep, monkeypatch, capsys):
    values = {"trainer.gradient_clip_val": None, "trainer.benchmark": False, "trainer.callbacks": []}
    values |= {"trainer.max_epochs": 3, "model.init_args.schedule": "dann"}
    (run,) = planned_runs(sweep(parameters={k: {"value": v} for k, v in values.items()}), Path("out"))
    run.write_parameters()
    assert json.loads((run.folder / "parameters.json").read_text()) == values
    with pytest.raises(SystemExit):
        toy.run(monkeypatch, *run.command[run.command.index(str(TRAIN)) + 1 :], "--print_config")
    printed = yaml.safe_load(capsys.readouterr().out)
    assert {name: printed["trainer"][name] for name in ("gradient_clip_val", "benchmark", "callbacks")} == {
        "gradient_clip_val": None, "benchmark": False, "callbacks": [],
    }  # fmt: skip
    assert printed["model"]["init_args"]["schedule"] == "dann"


@pytest.mark.slow
def test_a_folder_is_named_by_the_resolved_configuration_alone(sweep):
    plain = planned_runs(sweep(), Path("out"))
    assert [run.folder.name for run in plain] == [
        run.folder.name for run in planned_runs(sweep(), Path("other"))
    ]
    spelled = planned_runs(sweep(), Path("out"), ["--trainer.max_epochs=24"])  # what lntl.yaml has
    assert [run.folder for run in plain] == [run.folder for run in spelled]
    longer = planned_runs(sweep(), Path("out"), ["--trainer.max_epochs=25"])
    assert not {run.folder for run in plain} & {run.folder for run in longer}


def test_the_same_configuration_is_run_once(sweep):
    parameters = {"model.init_args.lambda_": {"values": [0.01, 0.5, 0.01]}}
    runs = planned_runs(sweep(parameters=parameters), Path("out"))
    assert [run.parameters["model.init_args.lambda_"] for run in runs] == [0.01, 0.5]


def test_the_command_is_that_of_the_agent_with_this_python(sweep, monkeypatch):
    monkeypatch.setenv("HARDWARE", "cpu")
    command = [
        "${env}",
        "${interpreter}",
        "${program}",
        "--config",
        "hardware/${envvar:HARDWARE}.yaml",
        "${args}",
    ]
    words = agent_command(sweep(command=command), {"a.b": 1, "c": None}, Path("file.json"))
    assert words == [
        "/usr/bin/env", sys.executable, str(TRAIN), "--config", "hardware/cpu.yaml", "--a.b=1", "--c=None",
    ]  # fmt: skip


def test_every_documented_macro_is_filled_in(sweep):
    point = {"a.b": 1, "on": True, "off": False, "none": None}
    macros = ("args_no_hyphens", "args_no_boolean_flags", "args_json", "args_json_file")
    command = ["${program}", *(f"${{{name}}}" for name in macros)]
    assert agent_command(sweep(command=command), point, Path("file.json"))[1:] == [
        *("a.b=1", "on=True", "off=False", "none=None"), *("--a.b=1", "--on", "--none=None"),
        json.dumps(point), "file.json",
    ]  # fmt: skip


def test_an_unknown_macro_is_named(sweep):
    with pytest.raises(
        UsageError, match=r"sweep\.yaml: command has the macro \$\{argz\}; there are \$\{env\}"
    ):
        agent_command(sweep(command=["${program}", "${argz}"]), {}, Path("file.json"))


@pytest.mark.parametrize(
    ("parameters", "extra", "message"),
    [
        ({"model.init_args.lamda_": {"values": [0, 1]}}, [], r"run lamda_=0: .*lamda_"),
        ({"model.init_args.lambda_": {"values": [0, "much"]}}, [], r"run lambda_=much: .*lambda_"),
        ({"seed_everything": {"values": [0]}}, ["--trainer.max_epoch=1"], "max_epoch"),
        (
            {"seed_everything": {"values": [0]}},
            ["--config=nowhere.yaml"],
            "no configuration file 'nowhere.yaml'",
        ),
    ],
)
def test_what_training_would_refuse_is_one_line_at_the_start(parameters, extra, message, sweep):
    with pytest.raises(UsageError, match=message) as error:
        planned_runs(sweep(parameters=parameters), Path("out"), extra)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith("sweep.yaml, run ")
    assert not Path("out").exists()


def test_a_command_that_no_machine_could_start(sweep):
    with pytest.raises(UsageError, match=r"sweep\.yaml: command starts with pyton, which is no program"):
        planned_runs(sweep(command=["pyton", "${program}"]), Path("out"))


def test_a_label_is_short():
    assert label({"model.init_args.lambda_": 0.1, "seed_everything": 2}) == "lambda_=0.1 seed_everything=2"


@pytest.mark.slow
@pytest.mark.parametrize("name", SWEEPS)
def test_the_metric_of_a_shipped_sweep_is_logged_in_validation(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    turns = TURNS if "sensitivenets" in name else []
    short = [*toy.BACKBONE, *toy.DATA, *toy.QUIET, *turns, "--trainer.max_epochs=2"]
    run = planned_runs(read_sweep(name), Path("out"), short)[0]
    run.write_parameters()
    toy.run(monkeypatch, *run.command[run.command.index(str(TRAIN)) + 1 :])
    logged = read_validation(toy.only_run(tmp_path))
    assert {read_sweep(name).metric.name, "val/leakage/emotion"} <= logged.keys()
    assert {"val/accuracy", "val/verification_auc"} & logged.keys(), "there is something to trade it for"
