"""Cross-validation folds that never share a subject."""

from collections.abc import Iterator

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from evaluation.samples.arrays import Ints


def subject_folds(label: Ints, subjects: Ints, folds: int, seed: int) -> Iterator[tuple[Ints, Ints]]:
    """Yield training rows and test rows of each fold; every row is tested once.

    The folds have nearly equal numbers of samples of each class, as far as the subjects allow it.

    Args:
        label: (N,) classes; all the same for folds that do not depend on the classes.
        subjects: (N,) subject of each sample.
        folds: number of folds, at most the number of subjects.
        seed: seed of the order in which subjects are assigned to folds.

    Raises:
        ValueError: fewer subjects than folds.
    """
    found = len(np.unique(subjects))
    if found < folds:
        raise ValueError(f"{folds} folds need at least as many people, the samples are of {found}")
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    yield from splitter.split(np.zeros(len(label)), label, subjects)
