"""What prepared crops depend on: written beside them, compared before they are gone on with."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from datamodules.annotations.face_table import FaceTable
from datamodules.base import Attributes
from datamodules.cropping.face_crop import CropOptions
from datamodules.errors import DatasetError

VERSION = 1
"""Raised with every change that can alter a crop or a record."""

_NAMES = {"source": "the annotations", "code": "the version of this program"}


def gather_facts(
    table: FaceTable, attributes: Attributes, options: CropOptions, detector: dict[str, Any]
) -> dict[str, Any]:
    """All that the crops and their manifest depend on, but the image files: those are not read for it.

    The device and the sizes of batches are not in it; they move a box by rounding errors at most.

    Args:
        table: the annotations.
        attributes: class names of its labels.
        options: of the crops.
        detector: its `parameters`.
    """
    classes = {name: list(attributes[name]) for name in table.labels}
    source = hashlib.sha256(json.dumps([table.digest, classes]).encode())
    for column in (table.file, table.split, *table.labels.values()):
        source.update(np.ascontiguousarray(column).tobytes())
    facts = {"source": source.hexdigest(), "code": VERSION, **options.parameters}
    return facts | {f"detector.{name}": value for name, value in detector.items()}


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
