"""Parts of the samples that never share a subject: folds, and a share drawn at random."""

from collections.abc import Iterator

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from evaluation.samples.arrays import Ints
from evaluation.samples.labelled_samples import unique_unknown_ids


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


def drawn_subjects(identity: Ints, share: float, seed: int) -> np.ndarray:
    """Mark the samples of a share of the subjects, drawn at random.

    Args:
        identity: (N,) subject of each sample, -1 where unknown; each unknown one is a subject of its own.
        share: share of the subjects, rounded to a whole number of them, at least one.
        seed: seed of the draw.

    Returns:
        (N,) bool.

    Raises:
        ValueError: a share that is not above 0 and at most 1.
    """
    if not 0 < share <= 1:
        raise ValueError(f"a share of the subjects is above 0 and at most 1, not {share}")
    every, place = np.unique(unique_unknown_ids(identity), return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(every))
    return order[place] < max(1, round(share * len(every)))
