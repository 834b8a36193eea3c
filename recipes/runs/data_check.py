"""Check that the data of a training have not changed since."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from pytorch_lightning.utilities.rank_zero import rank_zero_warn

from datamodules.base import FaceDataModule
from datamodules.errors import DatasetError
from recipes.command_line.errors import RecipeParser
from recipes.command_line.usage_error import UsageError
from storage.json_file import DamagedFileError, read_json

SHORT = 12
"""Number of digits of a fingerprint in a message."""


def recorded_fingerprint(training: Path) -> str | None:
    """Read the fingerprint of the data that a run folder records; None where it records none.

    Raises:
        DatasetError: the record is damaged.
    """
    record = training / "environment.json"
    if not record.is_file():
        return None
    found = read_json(record, "dataset", advice="what the run was trained on is not known")["dataset"]
    return str(found["fingerprint"]) if isinstance(found, dict) and "fingerprint" in found else None


def current_fingerprint(data: FaceDataModule) -> str:
    """Compute the fingerprint of the data as a training would record it now.

    Raises:
        DatasetError: the data are missing or damaged.
    """
    data.setup("fit")
    return data.fingerprint


def difference(training: Path, recorded: str, now: str) -> str:
    """Describe two fingerprints that differ, in a sentence."""
    was, is_now = recorded[:SHORT], now[:SHORT]
    return f"{training} was trained on other data: their fingerprint was {was}, now it is {is_now}"


def refuse_changed_data(trainings: Iterable[Path], what: str) -> None:
    """Refuse to count trainings as done whose data have changed since.

    If the data cannot be read any more, a warning says that they were not compared.

    Args:
        trainings: run folders.
        what: the user should give this another folder; for the error.

    Raises:
        UsageError: the data of some trainings have changed; nothing was deleted.
    """
    now: dict[str, str] = {}  # the same data are read once
    changed = []
    for training in trainings:
        recorded = recorded_fingerprint(training)
        if recorded is None:
            continue
        try:
            config = _data_config(training / "config.yaml")
            key = yaml.safe_dump(config)
            if key not in now:
                now[key] = current_fingerprint(_data(config))
        except (DatasetError, DamagedFileError) as error:
            rank_zero_warn(f"{training}: whether its data have changed was not seen: {error}")
            continue
        if now[key] != recorded:
            changed.append(difference(training, recorded, now[key]))
    if changed:
        more = f" (and {len(changed) - 1} more)" if len(changed) > 1 else ""
        raise UsageError(f"{changed[0]}{more}; give {what} another --out, or the data of before")


def _data_config(path: Path) -> dict[str, Any]:
    """Read the `data` of a run's configuration, with the seed that is linked to it."""
    try:
        whole = yaml.safe_load(path.read_text(encoding="utf-8"))
        data = dict(whole["data"])
        return data | {"init_args": {**data.get("init_args", {}), "seed": int(whole["seed_everything"])}}
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise DatasetError(f"{path} is missing or damaged: {' '.join(str(error).split())}") from error


def _data(config: dict[str, Any]) -> FaceDataModule:
    """Build the DataModule of a configuration."""
    parser = RecipeParser(parser_mode="omegaconf", exit_on_error=False)
    parser.add_argument("--data", type=FaceDataModule, required=True)
    try:
        data: FaceDataModule = parser.instantiate(parser.parse_object({"data": config})).data
    except DatasetError:
        raise
    except Exception as error:  # of another version, or any error of a constructor
        raise DatasetError(f"its data cannot be built: {' '.join(str(error).split())}") from error
    return data
