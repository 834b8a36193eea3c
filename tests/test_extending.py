"""The examples of docs/extending.md are built as they are printed, and their method goes the whole way."""

import importlib
import inspect
import json
import re
import sys
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from evaluation.erasers import methods
from evaluation.probes import attackers
from recipes import audit, embed, erase, export
from recipes.command_line import config_lookup
from tests.support import toy

PAGE = Path(__file__).resolve().parents[1] / "docs" / "extending.md"
BLOCK = re.compile(r"^```(?:python|yaml)\n# (\S+)\n(.*?)^```$", re.M | re.S)
FILES = dict(BLOCK.findall(PAGE.read_text()))
MODULES = [name for name in FILES if name.endswith(".py") and not name.startswith("tests/")]
TESTS = [name for name in FILES if name.startswith("tests/")]


@pytest.fixture
def built(tmp_path, monkeypatch) -> Path:
    """The page's files in a folder, importable by the names that they have there."""
    for name, text in FILES.items():
        path = tmp_path / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    before = set(sys.modules)
    for name in MODULES:
        package = importlib.import_module(Path(name).parent.as_posix().replace("/", "."))
        folder = str((tmp_path / "files" / name).parent)
        if folder not in package.__path__:
            monkeypatch.setattr(package, "__path__", [*package.__path__, folder])
    yield tmp_path / "files"
    for name in set(sys.modules) - before:
        if any(name == module[:-3].replace("/", ".") for module in MODULES):
            del sys.modules[name]


def module_of(name: str):
    return importlib.import_module(name[:-3].replace("/", "."))


def test_every_part_has_a_file_and_a_test():
    parts = {"lightning_modules", "datamodules", "evaluation/erasers", "evaluation/probes", "callbacks"}
    assert {Path(name).parent.as_posix() for name in MODULES} == parts
    assert len(TESTS) == 4  # the metric's is below: it needs a training
    assert len(PAGE.read_text().split("\n## ")) == 1 + len(parts)


@pytest.mark.parametrize("name", TESTS)
def test_the_printed_tests_pass(name, built, tmp_path):
    spec = importlib.util.spec_from_file_location("printed_test", built / name)
    printed = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(printed)
    tests = [value for key, value in vars(printed).items() if key.startswith("test_")]
    assert tests
    for i, test in enumerate(tests):
        folder = tmp_path / str(i)
        folder.mkdir()
        test(**({"tmp_path": folder} if "tmp_path" in inspect.signature(test).parameters else {}))


@pytest.mark.slow
def test_the_method_goes_from_training_to_the_audit(built, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = built / "configs" / "mean_matching.yaml"
    metric = tmp_path / "metric.yaml"
    metric.write_text("trainer: {callbacks+: [{class_path: callbacks.macro_f1.MacroF1}]}\n")
    command = ["--config", config, "--config", metric, *toy.BACKBONE, *toy.DATA, *toy.QUIET]
    toy.run(monkeypatch, *command, "--trainer.max_epochs=1")
    first = toy.only_run(tmp_path / "runs")
    start = first / "checkpoints" / "last.ckpt"
    toy.run(monkeypatch, *command, "--trainer.max_epochs=2", f"--ckpt_path={start}")
    (last,) = {path.parent for path in (tmp_path / "runs").glob("**/config.yaml")} - {first}
    assert {row["epoch"] for row in toy.metrics(last) if row["train/loss"]} == {"1"}  # the second alone
    logged = set().union(*({k for k, v in row.items() if v} for row in toy.metrics(last)))
    assert {"train/loss", "train/task", "train/distance", "val/accuracy", "test/macro_f1"} <= logged

    checkpoint = last / "checkpoints" / "best.ckpt"
    embed.main([f"--config={last / 'data.yaml'}", f"--ckpt={checkpoint}", "--out=phi.safetensors"])
    export.main([f"--ckpt={checkpoint}", "--out=exported"])
    assert (tmp_path / "exported" / "embedding.onnx").is_file()

    fit = module_of("evaluation/erasers/mean_directions.py").fit_mean_directions
    monkeypatch.setitem(methods.FITS, "mean_directions", fit)
    monkeypatch.setattr(erase, "Method", Literal[tuple(methods.FITS)])
    options = ["--method=mean_directions", "--sensitive=emotion"]
    erase.main(["--table=phi.safetensors", "--out=erased.safetensors", *options])
    audit.main(
        [
            "--config=audit/quick.yaml", "--before=phi.safetensors", "--after=erased.safetensors",
            "--sensitive=emotion", "--attackers=linear", "--permutations=0", "--information=false",
            "--suppression_draws=0", "--tsne=0", "--out=audited",
        ]
    )  # fmt: skip
    numbers = json.loads((tmp_path / "audited" / "numbers.json").read_text())
    (verdict,) = numbers["verdicts"]
    assert (verdict["attribute"], verdict["representation"]) == ("emotion", "erased")


def test_the_attacker_attacks(built, monkeypatch):
    naive_bayes = module_of("evaluation/probes/naive_bayes.py").naive_bayes
    monkeypatch.setitem(attackers._ATTACKS, "naive_bayes", naive_bayes)
    rng = np.random.default_rng(0)
    label = np.arange(100) % 2
    x = rng.normal(size=(100, 3)) + 9 * label[:, None]
    (found,) = attackers.attack("naive_bayes", x, label, x, [{"smoothing": 1e-9}], 0)
    np.testing.assert_array_equal(found, label)


def test_the_configuration_is_found_by_its_name(built, monkeypatch):
    monkeypatch.setattr(config_lookup, "CONFIGS", built / "configs")
    assert Path(config_lookup.find_config("mean_matching.yaml")) == built / "configs" / "mean_matching.yaml"
