"""Print the end of a training: its results, its files, and the commands to continue with."""

import os
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from callbacks.run_record import DATA_CONFIG
from lightning_modules.backbones.factory import SYNTHETIC
from lightning_modules.backbones.precomputed import NAME as PRECOMPUTED
from recipes.command_line.config_lookup import RECIPES

_FILES = {
    "checkpoints/best.ckpt": "",  # see `describe_choice`
    "checkpoints/last.ckpt": "the last epoch, to resume from with --ckpt_path",
    "config.yaml": "every option; training it again repeats the run",
    DATA_CONFIG: "the data, for embed.py",
    "metrics.csv": "what was logged",
    "results.json": "the test",
    "leakage.csv": "what every probe read",
    "group_rates_test.csv": "rates by group with intervals",
    "figures": "charts",
}


def describe_choice(monitor: str, mode: str) -> str:
    """Describe how `best.ckpt` was chosen; `monitor` and `mode` are those of `checkpoint`."""
    if monitor in ("epoch", "step"):
        return "of the last validation: no validation metric chose it (checkpoint.monitor is " + monitor + ")"
    return f"that of the {'highest' if mode == 'max' else 'lowest'} {monitor}"


def next_commands(folder: Path, config: Mapping[str, Any]) -> list[str]:
    """Build the commands that embed and audit the trained model, quoted for a shell.

    The embedding before the training is that of the backbone's initial weights; without weights there is
    none. Where the training read an embedding table, the table itself is the one before.

    Args:
        folder: of the run.
        config: the content of its config.yaml.
    """
    options = config["model"].get("init_args") or {}
    data = str(folder / DATA_CONFIG)
    after, out = str(folder / "phi.safetensors"), str(folder / "audit")
    embed = ["embed.py", "--config", "embed.yaml", "--config", data]
    commands = [[*embed, "--ckpt", str(folder / "checkpoints" / "best.ckpt"), "--out", after]]
    before = _before(options, config["data"].get("init_args") or {}, folder)
    if before is not None and not Path(before).exists():
        commands.insert(0, [*embed, *_backbone(options), "--out", before])
    compared = ["--before", after] if before is None else ["--before", before, "--after", after]
    sensitive = options.get("sensitive")
    hidden = ["--sensitive", sensitive] if isinstance(sensitive, str) else []
    commands.append(["audit.py", "--config", "audit/default.yaml", *compared, *hidden, "--out", out])
    return [shlex.join([_python(), os.path.relpath(RECIPES / name), *rest]) for name, *rest in commands]


def print_training_summary(folder: Path, config_file: Path, results: Mapping[str, float]) -> None:
    """Print results, files and commands.

    Args:
        folder: of the run.
        config_file: its config.yaml.
        results: of the test; those of groups are left out, as tables show them.
    """
    config = yaml.safe_load(config_file.read_text(encoding="utf-8"))
    overall = {name: value for name, value in results.items() if name.count("/") == 1}
    print("\n".join(f"{name:32s} {value:.4f}" for name, value in overall.items()))
    print(f"run folder: {folder}")
    choice = config["checkpoint"]
    descriptions = _FILES | {"checkpoints/best.ckpt": describe_choice(choice["monitor"], choice["mode"])}
    for name, description in descriptions.items():
        if (folder / name).exists():
            print(f"  {name:22s} {description}")
    print("what it gives away, and what that cost:")
    for command in next_commands(folder, config):
        print(f"  {command}")


def _before(options: Mapping[str, Any], data: Mapping[str, Any], folder: Path) -> str | None:
    """Return the table of what the training started from; None if its weights were drawn at random."""
    if options.get("backbone") == PRECOMPUTED:
        return data.get("table")
    known = options.get("weights") is not None or options.get("backbone") == SYNTHETIC
    return str(folder / "x.safetensors") if known else None


def _backbone(options: Mapping[str, Any]) -> Sequence[str]:
    words = ["--model.backbone", options["backbone"]]
    if options.get("weights") is not None:
        words += ["--model.weights", str(options["weights"])]
    if options.get("backbone_options"):
        text = yaml.safe_dump(options["backbone_options"], default_flow_style=True, width=10**6)
        words += ["--model.options", text.strip()]
    return words


def _python() -> str:
    """Return this Python, by its name where the shell would find the same."""
    found = shutil.which("python")
    return "python" if found == sys.executable else os.path.relpath(sys.executable)
