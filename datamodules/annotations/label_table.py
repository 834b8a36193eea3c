"""Read label files strictly: a table with one row per image, a file name and whole numbers."""

import re
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd

from datamodules.errors import DatasetError

GENDERS = ("female", "male")
"""Class names of `gender`, in label order, of every dataset of photographs."""


def check_folder(root: Path, dataset: str) -> None:
    """Refuse a `root` for the files of `dataset` that exists but is not a folder."""
    if root.exists() and not root.is_dir():
        advice = f"set --data.init_args.root to the folder of {dataset}'s files"
        raise DatasetError(f"{root}: not a folder; {advice}")


def read_bytes(path: Path, how_to_get: str | None = None) -> bytes:
    """Read a file.

    Args:
        path: of the file.
        how_to_get: text of the error if the file does not exist, with {path} in it.

    Raises:
        DatasetError: the file is missing, cannot be read, or is a pipe or a device.
    """
    try:
        if how_to_get is not None and not path.exists():
            raise DatasetError(how_to_get.format(path=path))
        if path.exists() and not path.is_file() and not path.is_dir():  # a pipe would block for ever
            raise DatasetError(f"{path}: cannot be read (it is a pipe or a device, no file)")
        return path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror})") from error


def decode_text(path: Path, content: bytes) -> str:
    """Decode the text of a file, without white space at its end; refuse it if it is empty or not UTF-8."""
    try:
        text = content.decode("utf-8-sig").rstrip()
    except UnicodeDecodeError as error:
        refuse(path, 1 + content.count(b"\n", 0, error.start), "not UTF-8 text; save it in UTF-8")
    if not text:
        refuse(path, None, "the file is empty")
    return text


def refuse_first(path: Path, first: int, cells: pd.Series, bad: Mapping[str, pd.Series]) -> None:
    """Refuse the first cell that has one of the problems.

    Args:
        path: the file.
        first: line of the first cell.
        cells: (N,) what the error shows.
        bad: (N,) whether a cell has it, for each problem.
    """
    for problem, where in bad.items():
        if where.any():
            row = int(where.to_numpy().argmax())
            refuse(path, first + row, f"{problem}: {str(cells[row])[:60]!r}")


def refuse(path: Path, line: int | None, problem: str) -> NoReturn:
    """Raise a one-line DatasetError that names the file, the line (from 1) if known, and the problem."""
    where = "" if line is None else f", line {line}"
    raise DatasetError(f"{path}{where}: {problem}; get the file again, or mend it")


def read_table(path: Path, content: bytes, header: int, columns: Sequence[str]) -> pd.DataFrame:
    """Read the rows of a label file, indexed by file name; the other columns are int64.

    Args:
        path: named in errors; ".csv" is split at commas, any other suffix at white space.
        content: of the file, without blank lines at its end.
        header: number of lines before the first row.
        columns: names of the columns; the first is that of the file names.

    Raises:
        DatasetError: a row with more or fewer columns, values that are not whole numbers, a file name that
            leads out of the image folder or occurs twice, or bytes that are not text.
    """
    body = b"\n".join(content.splitlines()[header:])
    separator = "," if path.suffix == ".csv" else r"\s+"
    first = header + 1
    try:
        rows = pd.read_csv(
            BytesIO(body),
            sep=separator,
            header=None,
            dtype={0: str},
            skip_blank_lines=False,
            low_memory=False,
        )
    except ValueError as error:  # includes the errors of pandas and Unicode
        long_row = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
        if long_row is None:
            refuse(path, None, f"not a text table of {len(columns)} columns")
        width, line, found = map(int, long_row.groups())  # pandas takes the width of the first row
        line, found = (line, found) if width == len(columns) else (1, width)
        refuse(path, header + line, f"{found} columns instead of {len(columns)}")
    if rows.shape[1] != len(columns):
        refuse(path, first, f"{rows.shape[1]} columns instead of {len(columns)}")
    names, numbers = rows[0], rows.iloc[:, 1:].apply(pd.to_numeric, errors="coerce")
    bad = {
        f"not a file name and {len(columns) - 1} whole number(s)": names.isna()
        | (numbers.isna() | (numbers % 1 != 0)).any(axis=1),
        "a file name with a path in it": names.str.contains(r"[/\\\0]|\.\.", regex=True, na=False),
        "the file name was listed before": names.duplicated(),
    }
    refuse_first(path, first, names, bad)
    table = numbers.astype(np.int64)
    table.index, table.columns = pd.Index(names), pd.Index(columns[1:])
    return table


def check_values(path: Path, header: int, table: pd.DataFrame, allowed: Sequence[int], words: str) -> None:
    """Refuse a table with a value that is not `allowed`; `words` describes the allowed values."""
    values = table.to_numpy()
    bad = ~np.isin(values, list(allowed))
    if bad.any():
        row, column = np.argwhere(bad)[0].tolist()
        found = f"{table.columns[column]} is {values[row, column]}"
        refuse(path, header + 1 + row, f"{found}, it must be {words}")


def match_files(path: Path, table: pd.DataFrame, other: Path, files: pd.Index) -> pd.DataFrame:
    """Return `table` in the order of `files`, those of the label file `other`; refuse different files."""
    for here, there, missing in (
        (path, other, files.difference(table.index)),
        (other, path, table.index.difference(files)),
    ):
        if len(missing):
            raise DatasetError(
                f"{here}: lacks {len(missing)} image(s) that {there} lists, first {missing[0]!r}; "
                "use files of one release"
            )
    return table.loc[files]
