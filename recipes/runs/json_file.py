"""JSON files that are there whole or not at all, and are checked when they are read."""

import json
import os
from pathlib import Path
from typing import Any

from datamodules.errors import DatasetError


def write_json(path: Path, content: object, indent: int | None = None) -> None:
    """Write a file at once, so that a process that is killed leaves none in half."""
    part = path.with_name(f"{path.name}.part")
    with open(part, "w", encoding="utf-8") as file:
        file.write(json.dumps(content, indent=indent) + "\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def read_json(path: Path, *names: str, advice: str) -> dict[str, Any]:
    """An object of a JSON file.

    Args:
        path: the file.
        names: what the object has to have.
        advice: for the error: what to do where the file is damaged.

    Raises:
        DatasetError: the file cannot be read, is no JSON, or lacks a name.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(f"{path} is damaged ({' '.join(str(error).split())}): {advice}") from error
    if not isinstance(found, dict) or any(name not in found for name in names):
        raise DatasetError(f"{path} is damaged (it lacks {', '.join(names) or 'names'}): {advice}")
    return found
