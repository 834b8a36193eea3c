"""Draw samples in which a group is correlated with a target (thesis, section 4.2).

`datamodules.sampling.biased_sample` draws the same rows for the training of a network, and a test compares
the two. Both stay, as measuring and data may not import one another: that one is an option of a DataModule
(binary attributes, sizes in multiples of 4, advice on the largest size); this one balances attributes of any
number of classes and rounds the size down.
"""

from collections.abc import Mapping
from itertools import product

import numpy as np

from evaluation.samples.arrays import Ints

_Cell = tuple[int, int, int]
"""Labels of (target, balance, group)."""


def biased_rows(
    labels: Mapping[str, Ints],
    rows: Ints,
    target: str,
    group: str,
    balance: str | None = None,
    *,
    bias: float = 0.5,
    n: int | None = None,
    seed: int = 0,
) -> Ints:
    """Draw samples without replacement: balanced over target x balance, skewed in the group.

    The share `bias` of the samples with target 1 is in group 1, and of those with target 0 in group 0,
    rounded to whole samples; 0.5 is unbiased. Each cell has its own order that depends on the seed alone, and
    its first samples are taken: with one seed, sets of several biases and sizes overlap as far as possible.

    Args:
        labels: (N,) classes of each attribute, -1 where unknown (never drawn).
        rows: (M,) indices to draw from.
        target: a binary attribute.
        group: a binary attribute.
        balance: an attribute of any number of classes; None balances the target alone.
        bias: in [0, 1].
        n: number of samples; None draws as many as the cells allow.
        seed: seed of the draw.

    Returns:
        (n,) ascending, some of `rows`. Fewer than `n` if the cells do not allow more, or if `n` is not a
        multiple of the number of target x balance blocks.

    Raises:
        ValueError: a bias outside [0, 1], `n` below the number of blocks, an empty cell that needs samples,
            or an attribute to balance that is unknown in all samples.
    """
    if not 0 <= bias <= 1:
        raise ValueError(f"bias is {bias}, it must lie between 0 and 1")
    pools = _pools(labels, rows, target, group, balance)
    for cell, pool in pools.items():
        if not len(pool) and (bias if _along(cell) else 1 - bias) > 0:
            described = _describe(cell, target, group, balance)
            raise ValueError(f"no sample with {described} among {len(rows)}; a bias of {bias} needs some")
    blocks = len(pools) // 2
    if n is not None and n < blocks:
        raise ValueError(f"{n} samples cannot be balanced over {blocks} blocks; ask for {blocks} or more")
    size = np.arange(1 + (len(rows) if n is None else n) // blocks)  # of a block
    along = np.floor(size * bias + 0.5).astype(int)
    wanted = {cell: along if _along(cell) else size - along for cell in pools}
    largest = np.flatnonzero(np.all([wanted[cell] <= len(pool) for cell, pool in pools.items()], axis=0))[-1]
    drawn = [
        np.random.default_rng((seed, *cell)).permutation(pool)[: wanted[cell][largest]]
        for cell, pool in pools.items()
    ]
    return np.sort(np.concatenate(drawn))


def _along(cell: _Cell) -> bool:
    """Check whether the group of a cell agrees with its target."""
    return cell[0] == cell[2]


def _pools(
    labels: Mapping[str, Ints], rows: Ints, target: str, group: str, balance: str | None
) -> dict[_Cell, Ints]:
    """Divide `rows` into cells; a sample with an unknown label is in none."""
    even = np.zeros_like(labels[target]) if balance is None else labels[balance]
    classes = [int(label) for label in np.unique(even[even >= 0])]
    if not classes:
        raise ValueError(f"{balance} is unknown in all samples, so it cannot be balanced")
    return {
        (t, b, g): rows[(labels[target][rows] == t) & (even[rows] == b) & (labels[group][rows] == g)]
        for t, b, g in product((0, 1), classes, (0, 1))
    }


def _describe(cell: _Cell, target: str, group: str, balance: str | None) -> str:
    named = zip((target, balance, group), cell, strict=True)
    return ", ".join(f"{name}={label}" for name, label in named if name is not None)
