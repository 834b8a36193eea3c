"""The splits of a manifest: read and checked, or assigned so that no group is in two splits."""

from collections.abc import Sequence

import numpy as np
from pytorch_lightning.utilities import rank_zero_warn

from datamodules.annotations.group_split import split_groups
from datamodules.annotations.manifest_files import TextTable
from datamodules.contract import SPLITS


def given_splits(rows: TextTable, column: str, disjoint: str | None) -> np.ndarray:
    """Read the split of each row, (n,) int8 index in `contract.SPLITS`, -1 where the cell is empty.

    Args:
        rows: the manifest.
        column: the one that holds `train`, `val` or `test`.
        disjoint: a column none of whose values may be in two splits; None does not check.

    Raises:
        DatasetError: a cell holds another word, or a value of `disjoint` is in two splits.
    """
    split = rows.codes(column, SPLITS)[1].astype(np.int8)
    if disjoint is not None:
        names, group = rows.codes(disjoint)
        used = np.flatnonzero((group >= 0) & (split >= 0))
        first = np.zeros(len(names), dtype=np.int64)
        first[group[used[::-1]]] = used[::-1]  # the first row of a group is written last
        before = split[first[group[used]]]
        crossing = np.flatnonzero(split[used] != before)
        if len(crossing):
            row, there = used[crossing[0]], SPLITS[before[crossing[0]]]
            here = SPLITS[split[row]]
            rows.refuse(int(row), f"{disjoint} {names[group[row]]!r} is in {here} and before in {there}")
    if (split < 0).any():
        rank_zero_warn(f"{rows.path}: {(split < 0).sum():,} of {len(split):,} images are in no split")
    return split


def deal_splits(
    rows: TextTable, files: np.ndarray, disjoint: str | None, shares: Sequence[float], seed: int
) -> np.ndarray:
    """Assign rows to splits, (n,) int8 index in `contract.SPLITS`; the order of the rows does not matter.

    Args:
        rows: the manifest.
        files: (n,) str, the images.
        disjoint: the column whose values are assigned as a whole; images without a value are in no split
            (-1), as they may show anybody. None assigns images one by one.
        shares: of the images, for train, val and test.
        seed: of the assignment.
    """
    if disjoint is None:
        rank_zero_warn(
            f"{rows.path}: it has no splits, so images are dealt to them one by one, and a person may be in "
            "several; name the column that tells people apart with --data.init_args.disjoint"
        )
        return split_groups(files, shares, seed)
    group = rows.codes(disjoint)[1]
    known = group >= 0
    split = np.full(len(files), -1, dtype=np.int8)
    split[known] = split_groups(group[known], shares, seed)
    if not known.all():
        rank_zero_warn(f"{rows.path}: {(~known).sum():,} images without {disjoint} are in no split")
    return split
