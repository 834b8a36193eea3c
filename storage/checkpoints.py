"""Read checkpoints from others: no code is run, and a flipped bit is noticed."""

import re
import zipfile
from pathlib import Path
from typing import Any

import torch


class WeightsError(ValueError):
    """Weights are missing, damaged or another model's; the message says which file and what to do."""


def reason_of(error: Exception) -> str:
    """Shorten an error of torch.load to one line, with the name of a refused global."""
    refused = re.search(r"GLOBAL (\S+)", str(error))
    if refused:
        return f"the pickle asks for {refused[1]}, and only tensors are allowed"
    return str(error).partition("\n")[0] or type(error).__name__


def verify_checksums(path: Path) -> None:
    """Compare a file of `torch.save` with the CRC-32 of each of its records, which torch does not do.

    Files of torch before 1.6 are not zip archives and have no checksums.

    Raises:
        zipfile.BadZipFile: a checksum differs.
    """
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        bad = archive.testzip()
    if bad is not None:
        raise zipfile.BadZipFile(f"the checksum of its record {bad} is wrong")


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint of Lightning; its tensors stay on disk until they are used.

    Raises:
        WeightsError: the file is missing, damaged (even by one flipped bit), asks for code to be run, or is
            not a checkpoint of a training run.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise WeightsError(f"there is no checkpoint {path}")
    try:
        verify_checksums(path)
        checkpoint = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
    except Exception as error:  # damaged bytes raise errors of many kinds
        raise WeightsError(
            f"{path} is not a checkpoint that can be read safely: {reason_of(error)}"
        ) from error
    if not isinstance(checkpoint, dict) or not isinstance(checkpoint.get("state_dict"), dict):
        raise WeightsError(f"{path} is not a checkpoint of a training run")
    return checkpoint
