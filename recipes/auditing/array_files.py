"""Read embeddings and labels from files of other programs; nothing in them is ever run."""

import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from safetensors import SafetensorError, safe_open

from blindface.matrices import as_matrix
from datamodules.errors import DatasetError
from datamodules.tables.embedding_file import strings_of
from evaluation.samples.arrays import Floats

ARRAY_FILES = (".npy", ".npz", ".csv", ".parquet")
"""Suffixes of files that hold embeddings without labels, as `.safetensors` may."""

SAMPLE_ID, EMBEDDING = "sample_id", "embedding"


class ArrayFile(NamedTuple):
    """Embeddings of a file."""

    embedding: Floats
    """(N, D), finite."""
    sample_id: np.ndarray | None
    """(N,) str; None if the file has none."""


def read_array(path: Path) -> ArrayFile:
    """Read the embeddings of a `.npy`, `.npz`, `.csv`, `.parquet` or `.safetensors` file.

    `.npy` holds an array (N, D). `.npz` and `.safetensors` hold it as `embedding`, or as their only array of
    two axes, and may hold `sample_id`. `.csv` and `.parquet` hold one feature a column, and may hold a column
    `sample_id`.

    Raises:
        DatasetError: the file is missing, damaged or of another kind, or its embeddings are not finite real
            numbers; one line that names it.
    """
    if not path.is_file():
        raise DatasetError(f"{path}: there is no such file")
    try:
        x, ids = _READERS[path.suffix](path)
        embedding = as_matrix(x, "the array")
        if ids is not None and len(ids) != len(embedding):
            raise ValueError(f"{len(ids):,} sample ids, but {len(embedding):,} embeddings")
    except KeyError as error:
        known = ", ".join(_READERS)
        raise DatasetError(f"{path}: {error} is no kind of file that is read; these are {known}") from error
    except _ERRORS as error:
        raise DatasetError(f"{path}: {' '.join(str(error).split())}") from error
    return ArrayFile(embedding, None if ids is None else np.asarray(ids).astype(str))


def read_frame(path: Path) -> pd.DataFrame:
    """Read the columns of a `.csv` or `.parquet` file; an empty field of a `.csv` is unknown.

    Raises:
        DatasetError: the file is missing, damaged or of another kind; one line that names it.
    """
    if not path.is_file():
        raise DatasetError(f"{path}: there is no such file")
    if path.suffix not in (".csv", ".parquet"):
        raise DatasetError(f"{path}: labels are read from .csv or .parquet")
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        return pd.read_csv(path, dtype={SAMPLE_ID: str}, keep_default_na=False, na_values=[""])
    except _ERRORS as error:
        raise DatasetError(f"{path}: {' '.join(str(error).split())}") from error


_ERRORS = (ValueError, OSError, EOFError, TypeError, zipfile.BadZipFile, SafetensorError)
_Parts = tuple[Any, Any]


def _npy(path: Path) -> _Parts:
    return np.load(path, allow_pickle=False), None


def _npz(path: Path) -> _Parts:
    with np.load(path, allow_pickle=False) as file:
        return _only_matrix({name: file[name] for name in file.files})


def _frame(path: Path) -> _Parts:
    frame = read_frame(path)
    ids = frame.pop(SAMPLE_ID) if SAMPLE_ID in frame else None
    return frame, ids


def _safetensors(path: Path) -> _Parts:
    with safe_open(path, framework="pt") as file:  # of numpy's types none is bfloat16
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # a handle
    if SAMPLE_ID in tensors:  # as an embedding table has them
        tensors[SAMPLE_ID] = strings_of(tensors[SAMPLE_ID])
    return _only_matrix(tensors)


def _only_matrix(arrays: dict[str, Any]) -> _Parts:
    ids = arrays.pop(SAMPLE_ID, None)
    found = [EMBEDDING] if EMBEDDING in arrays else [name for name, x in arrays.items() if x.ndim == 2]
    if len(found) != 1:
        raise ValueError(f"call one array {EMBEDDING!r}; it has {', '.join(arrays) or 'none'}")
    return arrays[found[0]], ids


_READERS = {".npy": _npy, ".npz": _npz, ".csv": _frame, ".parquet": _frame, ".safetensors": _safetensors}
