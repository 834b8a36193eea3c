"""Facts that the parts of a job depend on: written beside them, compared before a job is resumed."""

import hashlib
import json
from pathlib import Path
from typing import Any

from datamodules.errors import DatasetError

_NAMES = {"source": "the annotations", "code": "the version of this program"}


def describe(facts: dict[str, Any], **more: Any) -> bytes:
    """The content of a JSON file with the key, the facts, and `more`."""
    key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return (json.dumps({"key": key, "facts": facts, **more}, indent=2) + "\n").encode()


def compare(path: Path, facts: dict[str, Any], folder: Path) -> None:
    """Refuse `facts` other than those that `describe` wrote to `path`; the `DatasetError` names them."""
    try:
        there = dict(json.loads(path.read_bytes())["facts"])
    except (ValueError, KeyError, TypeError):
        raise DatasetError(f"{path}: damaged; delete {folder} and start again") from None
    differ = [name for name in {**there, **facts} if there.get(name) != facts.get(name)]
    if differ:
        what = [_NAMES.get(x, f"{x} ({there.get(x)} there, {facts.get(x)} here)") for x in differ]
        raise DatasetError(
            f"{folder}: was prepared otherwise, these differ: {', '.join(what)}; give the same options or "
            f"another --out, or delete {folder}"
        )
