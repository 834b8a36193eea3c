"""Finds the run that a killed training goes on from: one of the very same configuration."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pytorch_lightning.utilities.rank_zero import rank_zero_info, rank_zero_warn

from lightning_modules.state_files import WeightsError, read_checkpoint
from recipes.json_file import write_json

RUN, RESULTS = "run.json", "results.json"
_NOT_OF_THE_RESULT = ("resume", "ckpt_path", "config")
_NOT_OF_THE_RESULT_TRAINER = ("default_root_dir", "logger", "enable_progress_bar", "enable_model_summary")


class Earlier(NamedTuple):
    """What an earlier start of the same run left."""

    checkpoint: Path | None = None
    """The one that is furthest, of those that can be read."""
    finished: Path | None = None
    """The run folder, if it was trained and tested to the end."""
    wandb_id: str | None = None
    """Under which W&B knows the run."""


def run_key(config: dict[str, Any]) -> str:
    """16 hexadecimal digits of all options but those that change no number; a sweep's neighbours differ.

    Args:
        config: the resolved configuration, as its YAML says.
    """
    kept = {name: value for name, value in config.items() if name not in _NOT_OF_THE_RESULT}
    kept["trainer"] = {k: v for k, v in kept["trainer"].items() if k not in _NOT_OF_THE_RESULT_TRAINER}
    return hashlib.sha256(json.dumps(kept, sort_keys=True, default=str).encode()).hexdigest()[:16]


def note_run(folder: Path, key: str, wandb_id: str) -> None:
    """Write what `find_earlier` reads."""
    (folder / RUN).write_text(json.dumps({"key": key, "wandb_id": wandb_id}) + "\n")


def note_results(folder: Path, results: Mapping[str, float]) -> None:
    """Write the results of the test, at once or not at all; a run that has them is finished."""
    write_json(folder / RESULTS, dict(results), indent=1)


def find_earlier(runs: Path, key: str) -> Earlier:
    """What the runs of this key in `runs` (folders of run folders) have left.

    A checkpoint that cannot be read, half-written ones among them, is skipped with a warning.
    """
    folders = sorted((p for p in runs.glob("*") if _of_key(p, key)), reverse=True)
    for folder in folders:
        if (folder / RESULTS).is_file():
            return Earlier(finished=folder)
    found = [_described(file) for folder in folders for file in folder.glob("checkpoints/*.ckpt")]
    readable = [x for x in found if x is not None]
    if not readable:
        return Earlier()
    (epoch, step), file = max(readable)
    rank_zero_info(f"going on from {file} (epoch {epoch}, step {step})")
    return Earlier(checkpoint=file, wandb_id=json.loads((file.parents[1] / RUN).read_text())["wandb_id"])


def _described(file: Path) -> tuple[tuple[int, int], Path] | None:
    """How far a checkpoint is, in epochs and steps, and the file; None of one that cannot be read."""
    try:
        checkpoint = read_checkpoint(file)
        return (checkpoint["epoch"], checkpoint["global_step"]), file
    except (WeightsError, KeyError) as error:
        rank_zero_warn(f"skipped: {error}")
        return None


def _of_key(folder: Path, key: str) -> bool:
    try:
        return bool(json.loads((folder / RUN).read_text())["key"] == key)
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
    ):  # killed in the first moment, or no run
        return False
