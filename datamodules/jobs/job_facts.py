"""Facts that the parts of a job depend on: written beside them, compared before it is resumed."""

import json
from pathlib import Path
from typing import Any

from datamodules.errors import DatasetError
from storage.checksums import json_sha256

_NAMES = {"source": "the annotations", "code": "the version of this program"}


def describe(facts: dict[str, Any], **more: Any) -> bytes:
    """Encode a JSON file with the key, the facts, and `more`."""
    return (json.dumps({"key": json_sha256(facts), "facts": facts, **more}, indent=2) + "\n").encode()


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
