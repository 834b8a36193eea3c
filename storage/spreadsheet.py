"""Write CSV text that a spreadsheet shows but does not run as formulas."""

from typing import Any

import pandas as pd

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # starts of a formula, as OWASP lists them


def csv_text(frame: pd.DataFrame) -> str:
    """Write a frame as CSV without its index; text and column names are escaped by `as_cell`."""
    safe = frame.rename(columns=as_cell)
    for place, kind in enumerate(frame.dtypes):
        if not pd.api.types.is_numeric_dtype(kind):
            safe.isetitem(place, safe.iloc[:, place].astype(object).map(as_cell))
    return safe.to_csv(index=False)


def as_cell(value: Any) -> Any:
    """Put an apostrophe before text that a spreadsheet would run as a formula; other values stay."""
    if not isinstance(value, str) or not value.startswith(_FORMULA) or _is_number(value):
        return value
    return f"'{value}"


def from_cell(value: Any) -> Any:
    """Undo `as_cell`."""
    return value[1:] if isinstance(value, str) and value[:1] == "'" and value[1:2] in _FORMULA else value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text[0] in "+-"
