"""Two processes with half the batch each are one process with the whole batch."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from recipes.command_line.config_lookup import CONFIGS
from tests.support import toy

pytestmark = pytest.mark.slow  # several processes

TRAIN = CONFIGS.parent / "recipes" / "train.py"
# The 91 test images do not divide by two, so padding is at work.
ARGUMENTS = [
    "--config", "baseline.yaml", *toy.BACKBONE, *toy.DATA, *toy.QUIET, "--trainer.max_epochs=2",
    "--data.init_args.train_identities=48", "--data.init_args.test_identities=13",
    "--data.init_args.images_per_identity=7", "--trainer.callbacks.groups=[[gender],[ethnicity,gender]]",
]  # fmt: skip


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(TRAIN), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)


def train(folder: Path, *arguments: str) -> Path:
    folder.mkdir()
    done = run(folder, *ARGUMENTS, *arguments)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "find_unused_parameters" not in done.stderr
    return toy.only_run(folder / "runs")


def test_two_processes_equal_one_with_the_doubled_batch(tmp_path):
    one = train(tmp_path / "one", "--data.init_args.batch_size=32")
    two = train(
        tmp_path / "two", "--config", "hardware/ddp.yaml", "--trainer.accelerator=cpu", "--trainer.devices=2",
        "--trainer.precision=32-true", "--data.init_args.batch_size=16",
    )  # fmt: skip
    assert toy.environment(two)["processes"] == 2
    last = [torch.load(f / "checkpoints" / "last.ckpt", weights_only=True) for f in (one, two)]
    assert [x["global_step"] for x in last] == [2 * (48 * 7 // 32)] * 2
    assert last[0]["state_dict"].keys() == last[1]["state_dict"].keys()
    for name, value in last[0]["state_dict"].items():
        torch.testing.assert_close(last[1]["state_dict"][name], value, rtol=1e-4, atol=1e-6, msg=name)
    rows = [toy.metrics(f)[-1] for f in (one, two)]
    assert rows[0].keys() == rows[1].keys()
    counts = {k: float(v) for k, v in rows[0].items() if k.startswith("test/n/") and v}
    assert sum(v for k, v in counts.items() if k.count("=") == 1) == 13 * 7
    for name, value in rows[0].items():
        if name.startswith("test/") and value:
            assert float(rows[1][name]) == pytest.approx(float(value), abs=1e-5, nan_ok=True), name


def test_an_unusable_strategy_is_one_line_with_the_right_one(tmp_path):
    done = run(
        tmp_path, "--config=lntl.yaml", *toy.BACKBONE, *toy.DATA, *toy.QUIET, "--trainer.strategy=ddp",
        "--trainer.devices=1", "--trainer.callbacks=null",
    )  # fmt: skip
    assert done.returncode == 2
    message = done.stderr[done.stderr.index("error: ") :]
    assert message.count("\n") == 1
    assert "LNTL" in message
    assert "--trainer.strategy ddp_find_unused_parameters_true" in message
    assert "Traceback" not in done.stderr


def test_a_signal_to_one_process_saves_the_same_batch_of_all(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(TRAIN.parents[1]))  # of the callback that sends it
    (tmp_path / "told0").touch()  # so the second process alone is told
    told = '{"class_path": "tests.support.told.Told", "init_args": {"step": 5, "signals": ["SIGTERM"]}}'
    arguments = [*ARGUMENTS[: ARGUMENTS.index("--trainer.max_epochs=2")], "--trainer.max_epochs=2"]
    arguments += ["--config", "hardware/ddp.yaml", "--trainer.accelerator=cpu", "--trainer.devices=2"]
    arguments += ["--trainer.precision=32-true", "--data.init_args.train_identities=48", "--resume=auto"]
    arguments += [f"--trainer.callbacks=[{told}]"]
    assert run(tmp_path, *arguments).returncode == 143
    (saved,) = tmp_path.glob("runs/*/*/checkpoints/last.ckpt")
    assert torch.load(saved, weights_only=True)["global_step"] == 6
    again = run(tmp_path, *arguments)
    assert again.returncode == 0, again.stderr[-3000:]
    assert "going on from" in again.stdout + again.stderr
    assert len(list(tmp_path.glob("runs/*/*/results.json"))) == 1
