"""Facts that prepared crops depend on: written beside them, compared before work is resumed."""

import hashlib
import json
from typing import Any

import numpy as np

from datamodules.annotations.face_table import FaceTable
from datamodules.contract import Attributes
from datamodules.cropping.face_crop import CropOptions

VERSION = 1
"""Increased with every change that can alter a crop or a record."""


def gather_facts(
    table: FaceTable, attributes: Attributes, options: CropOptions, detector: dict[str, Any]
) -> dict[str, Any]:
    """Collect everything that the crops and their manifest depend on, except the content of the image files.

    The device and the batch sizes are not included; they change a box by no more than rounding errors.

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
