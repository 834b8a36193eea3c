"""Find the run that a killed training resumes: one of exactly the same configuration."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pytorch_lightning.utilities.rank_zero import rank_zero_info, rank_zero_warn

from recipes.runs.data_check import difference, recorded_fingerprint
from storage.checkpoints import WeightsError, read_checkpoint
from storage.checksums import json_sha256
from storage.json_file import DamagedFileError, read_json, write_json

RUN, RESULTS = "run.json", "results.json"
_NOT_OF_THE_RESULT = ("resume", "ckpt_path", "config")
_NOT_OF_THE_RESULT_TRAINER = ("default_root_dir", "logger", "enable_progress_bar", "enable_model_summary")


class PreviousRun(NamedTuple):
    """Leftovers of an earlier start of the same run."""

    checkpoint: Path | None = None
    """The one furthest in training, of those that can be read."""
    finished: Path | None = None
    """The run folder, if training and test are complete."""
    wandb_id: str | None = None
    """Id of the run in W&B."""


def run_key(config: dict[str, Any]) -> str:
    """Hash all options that can change a number, as 16 hexadecimal digits.

    Args:
        config: the resolved configuration, as its YAML says.
    """
    kept = {name: value for name, value in config.items() if name not in _NOT_OF_THE_RESULT}
    kept["trainer"] = {k: v for k, v in kept["trainer"].items() if k not in _NOT_OF_THE_RESULT_TRAINER}
    return json_sha256(kept)[:16]


def note_run(folder: Path, key: str, wandb_id: str) -> None:
    """Write the record that `find_previous_run` reads."""
    write_json(folder / RUN, {"key": key, "wandb_id": wandb_id})


def note_results(folder: Path, results: Mapping[str, float]) -> None:
    """Write the results of the test atomically; a run with results is finished."""
    write_json(folder / RESULTS, dict(results), indent=1)


def read_results(path: Path) -> dict[str, float] | None:
    """Read the results of a finished run; None if it is unfinished or (with a warning) damaged."""
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


def find_previous_run(runs: Path, key: str, fingerprint: Callable[[], str]) -> PreviousRun:
    """Find what earlier runs with this key have left.

    Checkpoints that cannot be read, such as half-written ones, are skipped with a warning, and so are runs
    that were trained on other data.

    Args:
        runs: folder of the run folders.
        key: of the configuration.
        fingerprint: computes that of the current data; called only if a run of this key recorded one.

    Raises:
        DatasetError: the current data cannot be read.
    """
    folders = sorted((p for p in runs.glob("*") if _of_key(p, key)), reverse=True)
    folders = [folder for folder in folders if _of_data(folder, fingerprint)]
    for folder in folders:
        if read_results(folder / RESULTS) is not None:
            return PreviousRun(finished=folder)
    found = [_described(file) for folder in folders for file in folder.glob("checkpoints/*.ckpt")]
    readable = [x for x in found if x is not None]
    if not readable:
        return PreviousRun()
    (epoch, step), file = max(readable)
    rank_zero_info(f"going on from {file} (epoch {epoch}, step {step})")
    noted = read_json(file.parents[1] / RUN, "wandb_id", advice="delete its folder")
    return PreviousRun(checkpoint=file, wandb_id=noted["wandb_id"])


def _described(file: Path) -> tuple[tuple[int, int], Path] | None:
    """Read the epoch and step of a checkpoint, with its path; None if it cannot be read."""
    try:
        checkpoint = read_checkpoint(file)
        return (checkpoint["epoch"], checkpoint["global_step"]), file
    except (WeightsError, KeyError) as error:
        rank_zero_warn(f"skipped: {error}")
        return None


def _of_data(folder: Path, fingerprint: Callable[[], str]) -> bool:
    """Return whether a run has the current data; True if it was killed before it recorded any."""
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
    except DamagedFileError:  # killed at the very start, or not a run
        return False
