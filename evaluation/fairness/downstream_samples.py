"""Training, validation and test samples of a downstream classifier."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from evaluation.fairness.biased_rows import biased_rows
from evaluation.samples.arrays import Ints
from evaluation.samples.labelled_samples import unique_unknown_ids
from evaluation.samples.representations import Representations


def check_attributes(representations: Representations, target: str, group: str, balance: str | None) -> None:
    """Raise a ValueError unless these are different attributes, the first two of them binary."""
    classes = representations.classes
    names = [name for name in (target, group, balance) if name is not None]
    if len(set(names)) < len(names):
        raise ValueError(f"target, group and balance must differ, got {', '.join(names)}")
    if missing := [name for name in names if name not in classes]:
        raise ValueError(f"no attribute {', '.join(missing)}; there are {', '.join(sorted(classes))}")
    for name in (target, group):
        if len(classes[name]) != 2:
            raise ValueError(f"{name} must have two classes, it has {', '.join(classes[name])}")


def disjoint_rows(representations: Representations, **sets: np.ndarray) -> list[Ints]:
    """Convert sets of rows, (M,) int or (N,) bool, to (M,) int; ValueError if two share a subject."""
    rows = {name: np.arange(len(representations))[chosen] for name, chosen in sets.items()}
    subjects = unique_unknown_ids(representations.identity)
    for one, other in combinations(rows, 2):
        if shared := len(np.intersect1d(subjects[rows[one]], subjects[rows[other]])):
            raise ValueError(f"{shared} people are in both the {one} rows and the {other} rows")
    return list(rows.values())


def draw_biased_rows(
    part: str,
    labels: Mapping[str, Ints],
    rows: Ints,
    attributes: tuple[str, str, str | None],
    seed: int,
    *,
    bias: float = 0.5,
    n: int | None = None,
) -> Ints:
    """Call `biased_rows` with attributes (target, group, balance); an error names the part of the data."""
    try:
        return biased_rows(labels, rows, *attributes, bias=bias, n=n, seed=seed)
    except ValueError as error:
        raise ValueError(f"{part} rows: {error}") from error
