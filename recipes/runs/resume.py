"""Finds the run that a killed training goes on from: one of the very same configuration."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pytorch_lightning.utilities.rank_zero import rank_zero_info, rank_zero_warn

from recipes.runs.data_check import difference, recorded_fingerprint
from storage.checkpoints import WeightsError, read_checkpoint
from storage.json_file import DamagedFileError, read_json, write_json

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
    write_json(folder / RUN, {"key": key, "wandb_id": wandb_id})


def note_results(folder: Path, results: Mapping[str, float]) -> None:
    """Write the results of the test, at once or not at all; a run that has them is finished."""
    write_json(folder / RESULTS, dict(results), indent=1)


def read_results(path: Path) -> dict[str, float] | None:
    """The results of a finished run; None of another, or with a warning where the file is damaged."""
    if not path.is_file():
        return None
    try:
        results = read_json(path, advice="the run is tested again")
    except DamagedFileError as error:
        rank_zero_warn(str(error))
        return None
    if all(isinstance(value, int | float) for value in results.values()):
        return results
    rank_zero_warn(f"{path} is damaged (it holds more than numbers): the run is tested again")
    return None


def find_earlier(runs: Path, key: str, fingerprint: Callable[[], str]) -> Earlier:
    """What the runs of this key in `runs` (folders of run folders) have left.

    A checkpoint that cannot be read, half-written ones among them, is skipped with a warning, and so is a run
    that was trained on other data.

    Args:
        runs: folder of the run folders.
        key: of the configuration.
        fingerprint: gives that of the data now; called only if a run of this key recorded one.

    Raises:
        DatasetError: the data of now cannot be read.
    """
    folders = sorted((p for p in runs.glob("*") if _of_key(p, key)), reverse=True)
    folders = [folder for folder in folders if _of_data(folder, fingerprint)]
    for folder in folders:
        if read_results(folder / RESULTS) is not None:
            return Earlier(finished=folder)
    found = [_described(file) for folder in folders for file in folder.glob("checkpoints/*.ckpt")]
    readable = [x for x in found if x is not None]
    if not readable:
        return Earlier()
    (epoch, step), file = max(readable)
    rank_zero_info(f"going on from {file} (epoch {epoch}, step {step})")
    noted = read_json(file.parents[1] / RUN, "wandb_id", advice="delete its folder")
    return Earlier(checkpoint=file, wandb_id=noted["wandb_id"])


def _described(file: Path) -> tuple[tuple[int, int], Path] | None:
    """How far a checkpoint is, in epochs and steps, and the file; None of one that cannot be read."""
    try:
        checkpoint = read_checkpoint(file)
        return (checkpoint["epoch"], checkpoint["global_step"]), file
    except (WeightsError, KeyError) as error:
        rank_zero_warn(f"skipped: {error}")
        return None


def _of_data(folder: Path, fingerprint: Callable[[], str]) -> bool:
    """Whether a run has the data of now; True of one that was killed before it recorded any."""
    try:
        recorded = recorded_fingerprint(folder)
    except DamagedFileError as error:
        rank_zero_warn(f"skipped: {error}")
        return False
    if recorded is None or recorded == (now := fingerprint()):
        return True
    rank_zero_warn(f"not gone on with: {difference(folder, recorded, now)}")
    return False


def _of_key(folder: Path, key: str) -> bool:
    try:
        return bool(read_json(folder / RUN, "key", "wandb_id", advice="")["key"] == key)
    except DamagedFileError:  # killed in the first moment, or no run
        return False
