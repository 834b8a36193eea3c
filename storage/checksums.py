"""SHA-256 of files, tensors and plain values."""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

_CHUNK = 2**24  # bytes


def file_sha256(path: Path) -> str:
    """Hash the bytes of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def json_sha256(value: Any, *, sort_keys: bool = True) -> str:
    """Hash a value by its JSON text; what JSON cannot write counts by its `str`.

    Args:
        value: such as nested lists and dicts of plain values.
        sort_keys: the order of the keys of a dict does not count.
    """
    return hashlib.sha256(json.dumps(value, sort_keys=sort_keys, default=str).encode()).hexdigest()


def tensor_sha256(tensor: Tensor) -> str:
    """Hash the type, shape and numbers of a tensor."""
    plain = tensor.detach().cpu().contiguous()
    digest = hashlib.sha256(f"{plain.dtype} {tuple(plain.shape)}".encode())
    digest.update(plain.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()
