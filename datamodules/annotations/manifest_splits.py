"""The splits of a manifest: those it gives, checked, or dealt so that no group crosses them."""

from collections.abc import Sequence

import numpy as np
from pytorch_lightning.utilities import rank_zero_warn

from datamodules.annotations.group_split import split_groups
from datamodules.annotations.manifest_files import TextTable
from datamodules.contract import SPLITS


def given_splits(rows: TextTable, column: str, disjoint: str | None) -> np.ndarray:
    """(n,) int8 place in `base.SPLITS` of each row's cell, -1 where it is empty.

    Args:
        rows: the manifest.
        column: the one that holds `train`, `val` or `test`.
        disjoint: a column of which no value may be in two splits; None does not look.

    Raises:
        DatasetError: for another word, or a value of `disjoint` in two splits.
    """
    split = rows.codes(column, SPLITS)[1].astype(np.int8)
    if disjoint is not None:
        names, group = rows.codes(disjoint)
        used = np.flatnonzero((group >= 0) & (split >= 0))
        first = np.zeros(len(names), dtype=np.int64)
        first[group[used[::-1]]] = used[::-1]  # of several rows of a group the first is written last
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
    """(n,) int8 place in `base.SPLITS`, dealt; it does not depend on the order of the rows.

    Args:
        rows: the manifest.
        files: (n,) str, the images.
        disjoint: the column whose values are dealt whole; images without one are in no split (-1), for they
            may show anybody. None deals the images one by one.
        shares: of the images, for train, val and test.
        seed: of the deal.
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
