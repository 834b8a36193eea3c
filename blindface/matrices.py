"""Check embeddings of any array type and convert them to NumPy."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import issparse

from evaluation.samples.arrays import Floats

_SHOWN = 5  # rows that an error lists


def as_matrix(x: Any, name: str, rows: int | None = None) -> Floats:
    """Convert embeddings to a floating-point array (N, D).

    Args:
        x: NumPy array, torch tensor, DataFrame, or nested lists, of numbers.
        name: of the argument, for the error messages.
        rows: number of rows that it must have.

    Returns:
        float32 for what float32 can hold (halves, small integers), else float64.

    Raises:
        ValueError: not two-dimensional, empty, of another length, not real numbers, or not finite; one line.
    """
    array = _array(x, name)
    if array.dtype.kind not in "biuf":
        kinds = {"c": "complex numbers", "O": "Python objects", "U": "text", "S": "bytes", "M": "dates"}
        raise ValueError(
            f"{name} holds {kinds.get(array.dtype.kind, array.dtype)}; embeddings are real numbers"
        )
    if array.ndim != 2:
        hint = "; one feature is x.reshape(-1, 1)" if array.ndim == 1 else ""
        raise ValueError(f"{name} is {array.shape}, it must be (samples, features){hint}")
    if not array.size:
        raise ValueError(f"{name} is {array.shape}: there is nothing in it")
    if rows is not None and len(array) != rows:
        raise ValueError(f"{name} has {len(array):,} rows, X has {rows:,}")
    wide = np.promote_types(array.dtype, np.float32)
    array = np.ascontiguousarray(array, dtype=np.float32 if wide == np.float32 else np.float64)
    bad = np.flatnonzero(~np.isfinite(array).all(1))
    if len(bad):
        shown = ", ".join(map(str, bad[:_SHOWN].tolist())) + (", ..." if len(bad) > _SHOWN else "")
        raise ValueError(
            f"{name} has NaN or infinity in {len(bad):,} of {len(array):,} rows, row {shown}; leave them out"
        )
    return array


def _array(x: Any, name: str) -> np.ndarray:
    if issparse(x):
        raise ValueError(f"{name} is sparse; give {name}.toarray()")
    if isinstance(x, pd.DataFrame):
        odd = [column for column, kind in x.dtypes.items() if not pd.api.types.is_numeric_dtype(kind)]
        if odd:
            raise ValueError(f"{name}: column {odd[0]!r} holds no numbers; embeddings are real numbers")
        return x.to_numpy(dtype=np.result_type(*x.dtypes) if _is_plain(x) else np.float64, na_value=np.nan)
    if hasattr(x, "detach"):  # torch, which need not be imported for it
        x = x.detach().cpu()
        return (x.float() if x.dtype.itemsize == 2 else x).numpy()
    try:
        return np.asarray(x)
    except ValueError as error:
        raise ValueError(f"{name}: its rows are of different lengths") from error


def _is_plain(x: pd.DataFrame) -> bool:
    return all(isinstance(kind, np.dtype) for kind in x.dtypes)


def check_index(x: Any, first: Any, name: str) -> None:
    """Refuse a pandas object whose index is not that of X: its rows would be matched by place.

    Raises:
        ValueError: both have an index, and these differ.
    """
    one, other = getattr(x, "index", None), getattr(first, "index", None)
    if isinstance(one, pd.Index) and isinstance(other, pd.Index) and not one.equals(other):
        raise ValueError(
            f"the index of {name} is not that of X; rows are matched by place, so reindex it, or reset both"
        )
