"""Read the records of a run folder about its data and the start of its training."""

import json
from pathlib import Path
from typing import Any

import yaml

from callbacks.run_record import DISTRIBUTION


def run_facts(ckpt: Path) -> dict[str, str]:
    """Read names and values, as far as the checkpoint is in a run folder; without paths of files."""
    folder = ckpt.expanduser().resolve().parent.parent
    return _environment(folder / "environment.json") | _start(folder / "config.yaml")


def _environment(path: Path) -> dict[str, str]:
    try:
        record: dict[str, Any] = json.loads(path.read_text("utf-8"))
        data, packages = record["dataset"], record["packages"]
        return {
            "dataset": str(data["class"]),
            "dataset fingerprint": str(data["fingerprint"]),
            "commit": str(record["git"].get("commit", "unknown")),
            "packages": ", ".join(f"{name} {packages[name]}" for name in (DISTRIBUTION, "torch")),
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _start(path: Path) -> dict[str, str]:
    try:
        options = yaml.safe_load(path.read_text("utf-8"))["model"]["init_args"]
        start = {name: options[name] for name in ("backbone", "weights", "start_from") if options.get(name)}
        return {f"start: {name}": Path(str(value)).name for name, value in start.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError, RecursionError):
        return {}
