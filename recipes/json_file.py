"""JSON files that are there whole or not at all."""

import json
from pathlib import Path


def write_json(path: Path, content: object, indent: int | None = None) -> None:
    """Write a file at once, so that a process that is killed leaves none in half."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps(content, indent=indent) + "\n", encoding="utf-8")
    part.replace(path)
