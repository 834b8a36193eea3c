import os
import pty
import re
import subprocess
import sys

import pytest

from callbacks.progress import duration, monitored_metric
from recipes.command_line.config_lookup import CONFIGS
from tests.support import toy

SHOWN = [option for option in toy.QUIET if "progress_bar" not in option]
ARGUMENTS = ["--config=baseline.yaml", *toy.BACKBONE, *toy.DATA, *SHOWN]
LINE = r"epoch (\d+)/(\d+): train/loss \d\.\d+, val/accuracy \d\.\d+, \d+ s left"


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.2, "0 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_durations_in_words(seconds, expected):
    assert duration(seconds) == expected


@pytest.mark.parametrize(
    ("logged", "monitor", "expected"),
    [
        (["train/loss", "val/loss", "val/accuracy"], "val/loss", "val/loss"),
        (["train/loss", "val/loss", "val/accuracy"], "epoch", "val/accuracy"),
        (["val/verification_auc"], "epoch", "val/verification_auc"),
        (["train/loss"], "train/loss", None),
    ],
)
def test_the_monitored_metric_is_shown_if_it_is_of_validation(logged, monitor, expected):
    assert monitored_metric(dict.fromkeys(logged, 0.0), monitor) == expected


@pytest.mark.slow
def test_without_a_terminal_each_epoch_is_a_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    toy.run(monkeypatch, *ARGUMENTS, "--trainer.max_epochs=2", "--experiment=part")
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("epoch ")]
    assert [re.fullmatch(LINE, line).groups() for line in lines] == [("1", "2"), ("2", "2")]
    last = toy.only_run(tmp_path / "runs" / "part") / "checkpoints" / "last.ckpt"
    toy.run(
        monkeypatch, *ARGUMENTS, "--trainer.max_epochs=4", "--experiment=rest", f"--ckpt_path={last}"
    )  # fmt: skip
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("epoch ")]
    assert [re.fullmatch(LINE, line).groups() for line in lines] == [("3", "4"), ("4", "4")]


@pytest.mark.slow
def test_the_network_is_one_line_that_counts_its_parameters(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    toy.run(monkeypatch, *ARGUMENTS, "--trainer.max_epochs=1", "--trainer.limit_train_batches=1")
    printed = capsys.readouterr()
    (line,) = (x for x in printed.out.splitlines() if "parameters" in x)
    assert re.match(r"AttributeClassifier|Baseline: .* parameters, .* of them train \(backbone 0 of ", line)
    assert "FLOPs" not in printed.out + printed.err


@pytest.mark.slow
def test_the_bar_shows_the_loss_and_the_monitored_metric(tmp_path):
    ours, theirs = pty.openpty()
    command = [sys.executable, str(CONFIGS.parent / "recipes" / "train.py"), *ARGUMENTS]
    environment = {**os.environ, "COLUMNS": "160", "TERM": "xterm"}
    with subprocess.Popen(
        [*command, "--trainer.max_epochs=2"], cwd=tmp_path, stdout=theirs, stderr=theirs, env=environment
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                shown += os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
    os.close(ours)
    text = shown.decode()
    assert process.returncode == 0, text[-3000:]
    assert re.search(r"Epoch 1/1 .*train/loss: \d\.\d+.*val/accuracy: \d\.\d+", text)
    assert not re.search(r"(?m)^epoch \d+/", text)
