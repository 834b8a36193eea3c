"""Join embedding tables of the same samples."""

import numpy as np
import torch
from torch import Tensor

from datamodules.contract import SPLITS
from datamodules.errors import DatasetError
from datamodules.tables.embedding_table import EmbeddingTable


def check_unique(table: EmbeddingTable, called: str) -> None:
    """Raise a `DatasetError` if a table has a sample twice."""
    names, counts = np.unique(table.sample_id, return_counts=True)
    if len(twice := names[counts > 1]):
        raise DatasetError(f"{called} has {len(twice)} sample id(s) more than once, first {str(twice[0])!r}")


def common_rows(
    first: EmbeddingTable,
    second: EmbeddingTable,
    names: tuple[str, str] = ("the first table", "the second table"),
) -> tuple[Tensor, Tensor]:
    """Find the samples that two tables share.

    Args:
        first: a table.
        second: another table of the same samples, or of some of them.
        names: of the tables, for the error messages.

    Returns:
        Their rows (m,) int64 in the first, ascending, and in the second.

    Raises:
        DatasetError: a table has a sample twice, there is no common sample, or samples of the same id are not
            the same: of data with another fingerprint, with other labels, or in other splits. Says how many.
    """
    for name, table in zip(names, (first, second), strict=True):
        check_unique(table, name)
    _, left, right = np.intersect1d(
        first.sample_id, second.sample_id, assume_unique=True, return_indices=True
    )
    sizes = f"of {len(first):,} and {len(second):,}"
    if not len(left):
        examples = f"{str(first.sample_id[0])!r} and {str(second.sample_id[0])!r}"
        raise DatasetError(f"the tables have no sample in common, {sizes}; their first are {examples}")
    order = left.argsort()
    rows, other = torch.from_numpy(left[order]), torch.from_numpy(right[order])
    joined = first.take(rows), second.take(other)
    if problem := _difference(*joined):
        raise DatasetError(
            f"the tables are of other samples: {len(left):,} sample ids match, {sizes}, but {problem}; "
            "embed the same data twice"
        )
    if (differs := joined[0].split != joined[1].split).any():
        row = int(differs.nonzero()[0])
        of, of_other = ((*SPLITS, "no split")[int(table.split[row])] for table in joined)
        raise DatasetError(
            f"the splits contradict each other in {int(differs.sum()):,} of {len(left):,} samples: "
            f"{str(joined[0].sample_id[row])!r} is in {of} by {names[0]}, in {of_other} by {names[1]}; embed "
            "the same splits"
        )
    return rows, other


def _difference(first: EmbeddingTable, second: EmbeddingTable) -> str | None:
    """Explain why samples of the same ids, in the same order, differ; None if nothing says so."""
    data, other = (table.provenance.get("dataset") for table in (first, second))
    of, of_other = (table.provenance.get("splits") for table in (first, second))
    # the fingerprint of image files depends on the embedded splits
    if data and other and data != other and of == of_other:
        return f"the fingerprints of the data differ ({data[:12]}... and {other[:12]}...)"
    for name in sorted(first.attributes.keys() & second.attributes.keys()):
        one, two = (np.array((*t.attributes[name], ""))[t.labels[name].numpy()] for t in (first, second))
        differs = (one != two) & (one != "") & (two != "")  # a label that only one knows is no contradiction
        if differs.any():
            return f"{name} differs in {differs.sum():,} of them"
    return None
