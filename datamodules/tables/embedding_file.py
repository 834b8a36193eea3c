"""The file of an embedding table: safetensors, with a header that can be read without the numbers."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from datamodules.errors import DatasetError
from datamodules.tables.safetensors_file import write_safetensors
from storage.checksums import tensor_sha256

VERSION = 1
_KEY = "embedding_table"  # one entry: safetensors writes several in an order that changes from run to run
_LAST_CODE_POINT = 0x10FFFF


@dataclass(frozen=True)
class TableHeader:
    """The header of a table's file.

    Attributes:
        attributes: class names of each attribute, in label order.
        provenance: origin of the table: model, config hash, dataset fingerprint, ...

    Raises:
        ValueError: anything but text.
    """

    attributes: dict[str, tuple[str, ...]]
    provenance: dict[str, str]

    def __post_init__(self) -> None:
        names = [*self.attributes, *self.provenance, *self.provenance.values()]
        for classes in self.attributes.values():
            names += classes
        if not all(isinstance(name, str) for name in names):
            raise ValueError("class names and provenance must be text")
        for attribute, classes in self.attributes.items():
            if isinstance(classes, str):
                raise ValueError(f"the classes of {attribute} must be a list of names, not {classes!r}")
            if len(set(classes)) < len(classes):
                raise ValueError(f"{attribute} has two classes of one name")


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a safetensors file; a problem with it becomes a DatasetError of one line that names it."""
    if not path.is_file():
        raise DatasetError(f"{path}: no such embedding table; write one with recipes/embed.py")
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except SafetensorError as error:
        raise DatasetError(f"{path}: damaged or no embedding table ({error}); write it again") from error
    except KeyError as error:
        raise DatasetError(f"{path}: the header lacks {error}; write the table again") from error
    except (OSError, TypeError, ValueError, RecursionError) as error:
        raise DatasetError(f"{path}: {error}; write the table again") from error


def read_header(path: Path) -> TableHeader:
    """Read the header of a file, without its numbers.

    Raises:
        DatasetError: the file is missing, truncated, of another kind or version; one line that names it.
    """
    with opened(path) as file:
        text = (file.metadata() or {}).get(_KEY)
        if text is None:
            raise ValueError("a safetensors file, but not an embedding table")
        header = json.loads(text)
        if not isinstance(header, dict) or header.get("version") != VERSION:
            raise ValueError(f"the embedding table is not of version {VERSION}")
        attributes, provenance = header["attributes"], header["provenance"]
        if not isinstance(attributes, dict) or not isinstance(provenance, dict):
            raise ValueError("attributes and provenance must be JSON objects")
        for name, classes in attributes.items():
            if not isinstance(classes, list):
                raise ValueError(f"the classes of {name} must be a list of names, not {classes!r}")
        return TableHeader({name: tuple(classes) for name, classes in attributes.items()}, provenance)


def check_sums(file: Any, tensors: Mapping[str, Tensor]) -> None:
    """Compare tensors that were read with the checksums of the open file, if it has any.

    Raises:
        ValueError: the numbers are not those that were written.
    """
    sums = json.loads((file.metadata() or {}).get(_KEY, "{}")).get("sha256", {})
    for name, tensor in tensors.items():
        if name in sums and tensor_sha256(tensor) != sums[name]:
            raise ValueError(f"{name} is damaged: its checksum is not the one that was written")


def write(path: Path, header: TableHeader, tensors: Mapping[str, Tensor]) -> None:
    """Write a file atomically; equal contents give equal bytes."""
    sums = {name: tensor_sha256(tensor) for name, tensor in tensors.items()}
    text = json.dumps({"version": VERSION, **asdict(header), "sha256": sums})
    path.parent.mkdir(parents=True, exist_ok=True)
    write_safetensors(path, tensors, {_KEY: text})


def code_points(strings: np.ndarray) -> Tensor:
    """Encode (n,) strings as (n, length) int32 code points; shorter ones end with zeros."""
    plain = np.ascontiguousarray(strings, dtype=strings.dtype.newbyteorder("<"))
    return torch.from_numpy(plain.view("<i4").reshape(len(plain), -1).copy())


def strings_of(codes: Tensor) -> np.ndarray:
    """Decode (n, length) int32 into (n,) strings without a copy; raise ValueError if they are invalid."""
    if codes.dtype != torch.int32 or codes.ndim != 2 or not codes.numel():
        raise ValueError(f"sample_id is {codes.dtype} {tuple(codes.shape)} instead of int32 (n, length)")
    if codes.min() < 0 or codes.max() > _LAST_CODE_POINT:
        raise ValueError("sample_id holds numbers that are no characters")
    return codes.numpy().view(f"<U{codes.shape[1]}")[:, 0]
