"""Read a table of text, one row for each image, from CSV or Parquet; refuse damaged ones."""

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pytorch_lightning.utilities import rank_zero_warn

from datamodules.annotations.cell_text import is_missing, look_alikes, normalize, sort_classes
from datamodules.annotations.label_table import decode_text, read_bytes, refuse, refuse_first
from datamodules.errors import DatasetError, first_names

_SHOWN = 10


@dataclass(frozen=True)
class TextTable:
    """Columns of text.

    Attributes:
        path: of the file.
        columns: (n,) object array of str for each named column; "" where a cell is empty.
        text: the columns that hold text rather than numbers, which only Parquet tells apart.
        declared: classes in label order of the columns that are categorical in a Parquet file.
        first: number of the first row where errors count them: 2 in a CSV, 1 in a Parquet file.
        digest: sha256 of the file.
    """

    path: Path
    columns: dict[str, np.ndarray]
    text: tuple[str, ...]
    declared: dict[str, tuple[str, ...]]
    first: int
    digest: str

    def column(self, name: str) -> np.ndarray:
        """Return a column; raise `DatasetError` if there is none of that name."""
        if name not in self.columns:
            known = ", ".join(map(repr, self.columns))
            raise DatasetError(
                f"{self.path}: there is no column {name!r}; separated by commas there are {known}"
            )
        return self.columns[name]

    def refuse(self, row: int, problem: str) -> None:
        """Raise a `DatasetError` about a row, counted from 0."""
        refuse(self.path, self.first + row, problem)

    def codes(self, name: str, classes: Sequence[str] | None = None) -> tuple[tuple[str, ...], np.ndarray]:
        """Encode a column: its classes, and the index of each row's class, (n,) int32, -1 where unknown.

        Cells are compared in Unicode's NFC form, without surrounding white space. An empty cell is unknown,
        and so is one of the usual words for an unknown value (`cell_text.MISSING`) that is not the name of a
        class.

        Args:
            name: of the column.
            classes: in label order; None takes those that the file declares, else those found, sorted (as
                numbers if all are numbers).

        Raises:
            DatasetError: there is no such column, or a cell is not among `classes`.
        """
        code, cells = pd.factorize(self.column(name))
        found = [normalize(cell) for cell in cells]
        classes = self.declared.get(name) if classes is None else classes
        if classes is None:
            classes = sort_classes({cell for cell in found if not is_missing(cell)})
        classes = tuple(dict.fromkeys(map(normalize, classes)))
        places = {c: i for i, c in enumerate(classes)}
        unknown = {cell: -1 for cell in found if is_missing(cell)}
        places = unknown | places
        labels = np.array([places.get(c, -2) for c in found], dtype=np.int32)[code]
        if (labels == -2).any():
            row = int((labels == -2).argmax())
            cell, allowed = self.columns[name][row][:40], first_names(classes, 20)
            self.refuse(row, f"{name} is {cell!r}, it must be one of {allowed}, or empty")
        return classes, labels

    def warn_of_doubts(self, columns: Mapping[str, Sequence[str] | None]) -> None:
        """Warn once of cells taken as unknown and of classes that look alike, with counts.

        Args:
            columns: those in use, with their classes where the user named them, which leaves no doubt.
        """
        doubts = [doubt for name, classes in columns.items() for doubt in self._doubts(name, classes)]
        if doubts:
            rank_zero_warn(
                f"{self.path}: {'; '.join(doubts)}. Mend the table, or name the classes with "
                "--data.init_args.attributes"
            )

    def _doubts(self, name: str, classes: Sequence[str] | None) -> Iterator[str]:
        code, cells = pd.factorize(self.column(name))
        count: Counter[str] = Counter()
        for cell, n in zip(cells, np.bincount(code, minlength=len(cells)).tolist(), strict=True):
            count[normalize(cell)] += n
        named = {normalize(c) for c in (self.declared.get(name, ()) if classes is None else classes)}
        words = [cell for cell in count if cell and is_missing(cell) and cell not in named]
        if words:
            listed = first_names([f"{word!r} ({count[word]:,})" for word in words], _SHOWN)
            yield f"{name}: {listed} are taken as unknown"
        if classes is not None:
            return
        if words := [cell for cell in named if cell and is_missing(cell)]:
            listed = first_names([f"{word!r} ({count[word]:,})" for word in words], _SHOWN)
            yield f"{name}: {listed} are classes, since the file declares them, but read like unknown values"
        groups = look_alikes(cell for cell in count if cell in named or not is_missing(cell))
        if groups:
            listed = first_names(
                [" and ".join(f"{cell!r} ({count[cell]:,})" for cell in group) for group in groups], _SHOWN
            )
            yield f"{name}: {len(groups):,} group(s) of classes look alike, and stay apart: {listed}"

    def files(self, name: str) -> np.ndarray:
        """Return a column of image files relative to a folder, (n,) str.

        Raises:
            DatasetError: there is no such column, or a path is empty, may lead out of the folder, is not in
                its shortest form or occurs twice.
        """
        paths = pd.Series(self.column(name), dtype=object)
        bad = {
            "no path": paths == "",
            "a path starts below `root` and has no backslash and no part that is empty, '.' or '..'": (
                paths.str.contains(r"(?:^|/)\.{0,2}(?:/|$)|[\\\0]|^[A-Za-z]:", regex=True)
            ),
            "the path was listed before": paths.duplicated(),
        }
        refuse_first(self.path, self.first, paths, bad)
        return paths.to_numpy(dtype=np.str_)


@dataclass(frozen=True)
class _Column:
    name: str
    cells: np.ndarray
    is_text: bool = True
    declared: tuple[str, ...] | None = None


def _csv_columns(path: Path, content: bytes) -> list[_Column]:
    text = decode_text(path, content)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader)
        for line, row in enumerate(reader, start=2):
            if len(row) != len(header):  # pandas would fill up a short row
                refuse(path, line, f"{len(row)} columns instead of {len(header)}")
    except csv.Error as error:
        refuse(path, reader.line_num, f"not a CSV ({error})")
    cells = pd.read_csv(io.StringIO(text), header=None, dtype=object, na_filter=False).iloc[1:]
    return [_Column(name.strip(), cells[i].to_numpy()) for i, name in enumerate(header)]


def _parquet_columns(path: Path, content: bytes) -> list[_Column]:
    try:
        table = pd.read_parquet(io.BytesIO(content))
    except (ValueError, OSError):  # pyarrow's errors are of these kinds
        refuse(path, None, "not a Parquet file")
    columns = []
    for name, column in table.items():
        is_text = pd.api.types.infer_dtype(column, skipna=True) in ("string", "categorical", "boolean")
        cells = column.convert_dtypes().astype("string").fillna("")  # whole numbers lose their ".0"
        kind = column.dtype
        classes = kind.categories if isinstance(kind, pd.CategoricalDtype) else None
        declared = None if classes is None else tuple(str(c).strip() for c in classes)
        columns.append(_Column(str(name), cells.to_numpy(dtype=object), is_text, declared))
    return columns


def read_text_table(path: Path) -> TextTable:
    """Read a CSV (UTF-8, with a header), or a Parquet file if its name ends in `.parquet`.

    Columns without a name, such as the row numbers that pandas writes, are left out.

    Raises:
        DatasetError: the file cannot be read, is damaged, has no rows or names a column twice.
    """
    content = read_bytes(path)
    parquet = path.suffix.lower() == ".parquet"
    columns = {}
    for column in (_parquet_columns if parquet else _csv_columns)(path, content):
        if column.name in columns:
            refuse(path, None, f"the column {column.name!r} comes twice")
        if column.name:
            columns[column.name] = column
    if not columns or not len(next(iter(columns.values())).cells):
        refuse(path, None, "no rows after the header")
    return TextTable(
        path=path,
        columns={name: column.cells for name, column in columns.items()},
        text=tuple(name for name, column in columns.items() if column.is_text),
        declared={name: column.declared for name, column in columns.items() if column.declared is not None},
        first=1 if parquet else 2,
        digest=hashlib.sha256(content).hexdigest(),
    )
