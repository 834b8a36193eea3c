"""Runs the real entry point on a toy backbone and few small faces."""

import csv
import json
import sys
from pathlib import Path

import pytest

from recipes import train
from recipes.command_line.errors import report_errors

BACKBONE = [
    "--model.init_args.backbone=resnet10t",
    "--model.init_args.weights=random",
    '--model.init_args.backbone_options={"channels": [8, 8, 8, 8], "stem_width": 8, "input_size": 32, '
    '"act_layer": "leaky_relu"}',  # none of so few units is dead, whatever its weights
]
DATA = [
    "--data.init_args.size=32",
    "--data.init_args.train_identities=24",
    "--data.init_args.val_identities=12",
    "--data.init_args.test_identities=12",
    "--data.init_args.images_per_identity=6",
    "--data.init_args.batch_size=16",
]
QUIET = ["--trainer.accelerator=cpu", "--trainer.enable_progress_bar=false", "--trainer.logger=false"]


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    """`python recipes/train.py ARGUMENTS` in this process."""
    monkeypatch.setattr(sys, "argv", ["train.py", *map(str, arguments)])
    report_errors(train.main)


def only_run(root: Path) -> Path:
    """The one run folder under `root`."""
    (folder,) = (p.parent for p in root.glob("**/config.yaml"))
    return folder


def metrics(folder: Path) -> list[dict[str, str]]:
    """The rows of a run's metrics.csv."""
    with open(folder / "metrics.csv", newline="") as file:
        return list(csv.DictReader(file))


def environment(folder: Path) -> dict:
    return json.loads((folder / "environment.json").read_text())
