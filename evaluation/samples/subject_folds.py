"""Folds that never share a person."""

from collections.abc import Iterator

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from evaluation.samples.arrays import Ints


def people_folds(label: Ints, people: Ints, folds: int, seed: int) -> Iterator[tuple[Ints, Ints]]:
    """Rows to train on and rows to test on, for each fold; every row is tested once.

    The folds have nearly as many samples of each class as one another, where people allow it.

    Args:
        label: (N,) classes; all the same for folds that do not depend on the classes.
        people: (N,) whose the samples are.
        folds: how many, at most the number of people.
        seed: of the order in which people are given to folds.

    Raises:
        ValueError: fewer people than folds.
    """
    found = len(np.unique(people))
    if found < folds:
        raise ValueError(f"{folds} folds need at least as many people, the samples are of {found}")
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    yield from splitter.split(np.zeros(len(label)), label, people)
