"""Split samples so that no group, such as a subject, is in two splits."""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from datamodules.contract import SPLITS


def connected_groups(*keys: np.ndarray) -> np.ndarray:
    """Group samples that share a key, directly or through other samples.

    Args:
        *keys: (n,) arrays, such as identities and uploaders.

    Returns:
        (n,) int group of each sample, numbered by first appearance.
    """
    n, edges = len(keys[0]), []
    for key in keys:
        _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
        edges.append(np.stack([np.arange(n), first[inverse]]))
    rows, columns = np.concatenate(edges, axis=1)
    graph = coo_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(n, n))
    return connected_components(graph, directed=False)[1]


def check_shares(shares: Sequence[float]) -> None:
    """Raise a ValueError unless `shares` are three numbers of 0 or more, not all 0."""
    parts = np.asarray(shares, dtype=float)
    if parts.shape != (len(SPLITS),) or (parts < 0).any() or parts.sum() <= 0:
        raise ValueError(
            f"shares of train, val and test must be three numbers of 0 or more, got {list(shares)}"
        )


def split_groups(groups: np.ndarray, shares: Sequence[float] = (0.8, 0.1, 0.1), seed: int = 0) -> np.ndarray:
    """Assign whole groups to train, val and test, so that each split gets about its share of the samples.

    The result depends on the names of the groups and the seed, not on the order of the samples.

    Args:
        groups: (n,) name or number of the group of each sample.
        shares: of the samples, in the order of `contract.SPLITS`; scaled to a sum of 1.
        seed: of the assignment, apart from the seed of the training: otherwise the test split of one run
            could hold subjects on which another run was trained.

    Returns:
        (n,) int8 index of the split in `contract.SPLITS`.

    Raises:
        ValueError: see `check_shares`.
    """
    check_shares(shares)
    parts = np.asarray(shares, dtype=float)
    _, member, size = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(size))
    middle = np.cumsum(size[order]) - size[order] / 2  # a group goes where its middle falls
    split = np.empty(len(size), dtype=np.int8)
    bounds = np.cumsum(parts / parts.sum())[:-1] * len(groups)
    split[order] = np.searchsorted(bounds, middle, side="right")
    return split[member]
