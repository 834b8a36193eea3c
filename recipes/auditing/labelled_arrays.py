"""Load embeddings and their labels from separate files for an audit."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from blindface.array_data import representations_of
from blindface.label_columns import as_classes
from datamodules.errors import DatasetError
from evaluation.samples.arrays import Floats
from evaluation.samples.representations import Representations
from evaluation.samples.wording import printable
from recipes.auditing.array_files import SAMPLE_ID, ArrayFile, read_array, read_frame
from recipes.auditing.representation_tables import BLOCK, named_paths
from recipes.command_line.usage_error import UsageError
from storage.checksums import file_sha256

_SUBJECT = ("identity", "subject")


def load_arrays(
    before: str, after: Sequence[str], labels: Path, block: str | None, named: Collection[str]
) -> tuple[Representations, dict[str, str]]:
    """Load arrays and the file of their labels.

    Columns of that file: `sample_id`, `identity` or `subject`, `split` and `block`, all optional, and one for
    each attribute. Rows are matched by `sample_id` where both files have it, else by their order.

    Args:
        before: `PATH` of a file that `read_array` reads, or `NAME=PATH`.
        after: the other files, in the same form; with sample ids they may lack some.
        labels: path of the labels.
        block: column that names what was drawn together; None takes `block` if there is one.
        named: attributes that the audit is asked for; others that have no classes are left out.

    Returns:
        The representations, and facts for the report: digests of the files and columns left out.

    Raises:
        UsageError: two representations have the same name, or a column is missing.
        DatasetError: a file cannot be read, or rows do not match; one line.
        ValueError: see `representations_of`.
    """
    names, paths = named_paths(before, after)
    arrays = [read_array(path) for path in paths]
    frame = _in_order(read_frame(labels), labels, arrays[0], paths[0])
    sample_id = frame.pop(SAMPLE_ID).to_numpy() if SAMPLE_ID in frame else arrays[0].sample_id
    if block is not None and block not in frame:
        raise UsageError(f"--block: no column {block!r} in {labels}; it has {', '.join(map(str, frame))}")
    special: dict[str, Any] = {
        "subjects": _take(frame, _SUBJECT, labels),
        "splits": _take(frame, ("split",), labels),
        "blocks": _take(frame, (block or BLOCK,), labels),
    }
    attributes, left_out = _with_classes(frame, named)
    if not attributes:
        raise UsageError(
            f"{labels} has no attribute of two classes; {'; '.join(left_out) or 'it has no other column'}"
        )
    one = representations_of(arrays[0].embedding, attributes, sample_id=sample_id, before=names[0], **special)
    embeddings = dict(one.embeddings)
    for name, path, array in zip(names[1:], paths[1:], arrays[1:], strict=True):
        embeddings[name] = _aligned(array, path, sample_id, len(one), paths[0])
    files = {**dict(zip(names, paths, strict=True)), "labels": labels}
    facts = {f"{name}: file": f"{path.name}, sha256 {file_sha256(path)}" for name, path in files.items()}
    if left_out:
        facts["columns left out"] = printable("; ".join(left_out))
    return replace(one, embeddings=embeddings), facts


def _in_order(frame: pd.DataFrame, labels: Path, first: ArrayFile, path: Path) -> pd.DataFrame:
    """Return the labels in the order of the embeddings."""
    if first.sample_id is None or SAMPLE_ID not in frame:
        _check_rows(len(frame), labels, len(first.embedding), path)
        return frame
    rows = _places(first.sample_id, frame[SAMPLE_ID].astype(str).to_numpy(), labels)
    _unique(first.sample_id, path)
    if len(lost := first.sample_id[rows < 0]):
        raise DatasetError(
            f"{labels} has no labels of {len(lost):,} samples of {path}, first {str(lost[0])!r}"
        )
    return frame.iloc[rows].reset_index(drop=True)


def _aligned(array: ArrayFile, path: Path, sample_id: np.ndarray | None, rows: int, first: Path) -> Floats:
    """Return the embeddings in the order of the first file, with rows of nan for samples that it lacks."""
    if array.sample_id is None or sample_id is None:
        _check_rows(len(array.embedding), path, rows, first)
        return array.embedding
    places = _places(sample_id.astype(str), array.sample_id, path)
    found = np.full((rows, array.embedding.shape[1]), np.nan, array.embedding.dtype)
    found[places >= 0] = array.embedding[places[places >= 0]]
    if not (places >= 0).any():
        raise DatasetError(f"{path} has no sample in common with {first}, such as {str(sample_id[0])!r}")
    return found


def _check_rows(rows: int, path: Path, others: int, other: Path) -> None:
    if rows != others:
        raise DatasetError(
            f"{path} has {rows:,} rows, {other} has {others:,}; without {SAMPLE_ID} in both they are matched "
            "row by row"
        )


def _places(wanted: np.ndarray, ids: np.ndarray, path: Path) -> np.ndarray:
    """Find each wanted id among the ids of a file, (N,); -1 where it is missing."""
    _unique(ids, path)
    return pd.Index(ids).get_indexer(pd.Index(wanted))


def _unique(ids: np.ndarray, path: Path) -> None:
    twice = pd.Series(ids)[pd.Series(ids).duplicated()]
    if len(twice):
        raise DatasetError(
            f"{path} has {len(twice):,} sample id(s) more than once, first {str(twice.iloc[0])!r}"
        )


def _take(frame: pd.DataFrame, names: Sequence[str], labels: Path) -> pd.Series | None:
    """Take the one column of these names out of a frame, if there is one."""
    found = [name for name in names if name in frame]
    if len(found) > 1:
        raise UsageError(f"{labels} has columns {' and '.join(found)}; keep one")
    return frame.pop(found[0]) if found else None


def _with_classes(frame: pd.DataFrame, named: Collection[str]) -> tuple[dict[str, pd.Series], list[str]]:
    """Return the columns that have classes, and the reason why each other one is left out."""
    attributes: dict[str, pd.Series] = {}
    left_out: list[str] = []
    for name, column in frame.items():
        try:
            as_classes(column, str(name), len(frame))
        except ValueError as error:
            if name in named:
                raise
            left_out.append(str(error))
        else:
            attributes[str(name)] = column
    return attributes, left_out
