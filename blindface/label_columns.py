"""Check labels of any array type and number their classes."""

from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd

from evaluation.audit.settings import SPLITS
from evaluation.samples.arrays import Ints
from evaluation.samples.wording import printable


def as_classes(values: Any, name: str, rows: int) -> tuple[Ints, tuple[str, ...]]:
    """Number the classes of an attribute.

    Args:
        values: (N,) text, whole numbers, booleans or categories; None and NaN are unknown.
        name: of the attribute, for the error messages.
        rows: the number N.

    Returns:
        (N,) numbers of the classes, -1 where unknown; and the names of the classes, in the order of the
        categories if there is one, else sorted.

    Raises:
        ValueError: another length, fewer than two classes, numbers that are not whole, or two classes that
            look the same; one line.
    """
    column = as_column(values, name, rows)
    if column.dtype.kind == "f":
        fractions = column.dropna()
        if (fractions % 1 != 0).any():
            raise ValueError(
                f"{name} has {fractions.nunique():,} different numbers that are not whole; divide it into "
                "classes first, for example by pandas.cut"
            )
        column = column.astype("Int64")
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.cat.remove_unused_categories()
        numbers, classes = column.cat.codes.to_numpy(np.int64), column.cat.categories.tolist()
    else:
        found = column.dropna().unique().tolist()
        try:
            classes = sorted(found)
        except TypeError:  # of mixed types
            classes = sorted(found, key=str)
        place = {value: number for number, value in enumerate(classes)}
        numbers = column.map(place).fillna(-1).to_numpy(np.int64)
    if len(classes) < 2:
        only = f"only the class {str(classes[0])!r}" if classes else "no known value"
        raise ValueError(f"{name} has {only} in {rows:,} samples; leakage needs two classes")
    names = tuple(printable(str(value)) for value in classes)
    if twins := [text for text in names if names.count(text) > 1]:
        raise ValueError(f"{name} has two classes that are both written {twins[0]!r}; rename one")
    return numbers, names


def as_codes(values: Any, name: str, rows: int) -> Ints:
    """Number the distinct values (N,), -1 for None and NaN; raises as `as_column`."""
    return pd.factorize(as_column(values, name, rows))[0].astype(np.int64)


def as_splits(values: Any, rows: int) -> Ints:
    """Number splits given as text (N,): `train`, `val`, `test`, or None for a sample in none.

    Raises:
        ValueError: another length, or another name.
    """
    column = as_column(values, "splits", rows)
    known = column.dropna()
    odd = known[~known.isin(SPLITS)]
    if len(odd):
        near = get_close_matches(str(odd.iloc[0]).lower(), SPLITS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"splits holds {odd.iloc[0]!r}; splits are train, val, test or None{hint}")
    return (
        column.astype(object).map({split: n for n, split in enumerate(SPLITS)}).fillna(-1).to_numpy(np.int64)
    )


def as_column(values: Any, name: str, rows: int) -> pd.Series:
    """Convert values to a Series of `rows` values, numbered from 0.

    Raises:
        ValueError: another length or shape, complex numbers, or values that cannot be compared.
    """
    if isinstance(values, str | bytes | dict) or not hasattr(values, "__len__"):
        raise ValueError(f"{name} must be an array of {rows:,} values, it is {type(values).__name__}")
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    if (shape := np.shape(values) if hasattr(values, "shape") else (len(values),)) != (rows,):
        raise ValueError(f"{name} is {tuple(shape)}, X has {rows:,} rows")
    column = pd.Series(values).reset_index(drop=True)
    if column.dtype.kind == "c":
        raise ValueError(f"{name} holds complex numbers; classes are text, whole numbers or booleans")
    try:
        column.nunique()
    except TypeError as error:
        raise ValueError(f"{name} holds values that cannot be compared ({error})") from error
    return column
