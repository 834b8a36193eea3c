"""Read and write JSON files: written atomically, checked when read."""

import json
from pathlib import Path
from typing import Any

from storage.atomic import write_bytes


class DamagedFileError(Exception):
    """A file that was written completely cannot be read; the message says what to do."""


def write_json(path: Path, content: object, indent: int | None = None) -> None:
    """Replace a file by `content` as JSON."""
    write_bytes(path, (json.dumps(content, indent=indent, ensure_ascii=False) + "\n").encode())


def read_json(path: Path, *names: str, advice: str) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Args:
        path: the file.
        names: keys that the object must have.
        advice: what to do if the file is damaged; for the error.

    Raises:
        DamagedFileError: the file cannot be read, is not JSON, or lacks a key.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DamagedFileError(f"{path} is damaged ({' '.join(str(error).split())}): {advice}") from error
    if not isinstance(found, dict) or any(name not in found for name in names):
        raise DamagedFileError(f"{path} is damaged (it lacks {', '.join(names) or 'names'}): {advice}")
    return found
