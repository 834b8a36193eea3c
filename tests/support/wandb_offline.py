"""Reads back what W&B wrote offline: what `wandb sync` would upload."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wandb.proto import wandb_internal_pb2

from tests.support.waiting import wait_until

_BLOCK, _HEADER = 32768, struct.Struct("<IHB")  # LevelDB log format: checksum, length, type of each piece


def records(file: Path) -> Iterator[wandb_internal_pb2.Record]:
    data, position, pieces = file.read_bytes(), 7, b""  # seven bytes of identification come first
    while position + _HEADER.size <= len(data):
        left = _BLOCK - position % _BLOCK
        if left < _HEADER.size:
            position += left
            continue
        _, length, kind = _HEADER.unpack_from(data, position)
        position += _HEADER.size
        pieces += data[position : position + length]
        position += length
        if kind in (1, 4):  # a whole record, or the last piece of one
            record = wandb_internal_pb2.Record()
            record.ParseFromString(pieces)
            pieces = b""
            yield record


def finished(file: Path) -> list[wandb_internal_pb2.Record]:
    """All records of a run; its service may still be writing them when `finish()` has returned."""
    wait_until(lambda: any(record.WhichOneof("record_type") == "exit" for record in records(file)))
    return list(records(file))


def history(run_folder: Path) -> dict[str, Any]:
    """The last value of every key that was logged in the one offline run, ended, under a run folder."""
    (file,) = run_folder.glob("wandb/offline-run-*/*.wandb")
    values = {}
    for record in finished(file):
        for item in record.history.item:
            values[item.key or "/".join(item.nested_key)] = json.loads(item.value_json)
    return values
