"""Read checkpoints of other people: no code is run, and a flipped bit is noticed."""

import re
import zipfile
from pathlib import Path
from typing import Any

import torch


class WeightsError(ValueError):
    """Weights are missing, damaged or another model's; the message says which file and what to do."""


def reason_of(error: Exception) -> str:
    """One line; torch names the global that it refuses somewhere in its many."""
    refused = re.search(r"GLOBAL (\S+)", str(error))
    if refused:
        return f"the pickle asks for {refused[1]}, and only tensors are allowed"
    return str(error).partition("\n")[0] or type(error).__name__


def verify_checksums(path: Path) -> None:
    """Compare the content of a file of `torch.save` with the CRC-32 of each record, which torch does not do.

    Files of torch before 1.6 are no zip archives, and have none.

    Raises:
        zipfile.BadZipFile: they differ.
    """
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        bad = archive.testzip()
    if bad is not None:
        raise zipfile.BadZipFile(f"the checksum of its record {bad} is wrong")


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """What Lightning stored of a training run; the tensors stay on disk until they are used.

    Raises:
        WeightsError: no such file, damaged (a bit that flipped included), asking for code to be run, or no
            checkpoint of a training run.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise WeightsError(f"there is no checkpoint {path}")
    try:
        verify_checksums(path)
        checkpoint = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
    except Exception as error:  # damaged bytes make the reader raise nearly anything
        raise WeightsError(
            f"{path} is not a checkpoint that can be read safely: {reason_of(error)}"
        ) from error
    if not isinstance(checkpoint, dict) or not isinstance(checkpoint.get("state_dict"), dict):
        raise WeightsError(f"{path} is not a checkpoint of a training run")
    return checkpoint
