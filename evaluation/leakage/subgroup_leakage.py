"""Leakage within groups of samples, such as the classes of another attribute."""

from collections.abc import Mapping, Sequence
from math import nan

import numpy as np
import pandas as pd

from evaluation.leakage.cross_fitting import min_subjects_per_class
from evaluation.leakage.permutation_null import permutation_tests
from evaluation.leakage.strongest_reading import strongest_reading
from evaluation.samples.arrays import Ints
from evaluation.samples.audited_samples import reindex, subsample_subjects
from evaluation.samples.labelled_samples import Samples, subjects_of, take_samples

_COLUMNS = ["group_attribute", "group", "n", "people", "balanced_accuracy", "low", "high", "p_value"]


def subgroup_leakage(
    samples: Samples,
    groups: Mapping[str, Ints],
    classes: Mapping[str, Sequence[str]],
    *,
    permutations: int = 199,
    folds: int = 5,
    seed: int = 0,
    max_samples: int = 3000,
) -> pd.DataFrame:
    """Test whether an attribute leaks within each class of other attributes.

    A leak in a small group is lost in an average over all samples. The probes of
    `permutation_tests` learn from and are tested on the samples of one group only, so what separates the
    groups does not count. The p-values are of single groups: correct them for their number.

    Args:
        samples: N samples of one representation and one attribute.
        groups: other attribute -> (N,) class of each sample, -1 where unknown.
        classes: other attribute -> class names in label order.
        permutations: number of shuffles of each test.
        folds: number of folds of the subjects of a group.
        seed: seed of every random choice.
        max_samples: with more samples in a group, subjects are drawn at random.

    Returns:
        One row for each class of each attribute, also for absent ones: `group_attribute`, `group`; `n`
        samples that are scored and the number of their subjects, `people`; `balanced_accuracy` of the better
        probe; `low` and `high`, its 95 % interval over subjects, given the choice; `p_value`. The last four
        are nan, and `n` counts all samples of known class, where the group has one class, fewer subjects than
        folds, or a class with a single subject.

    Raises:
        ValueError: embeddings that are not finite, or shapes that do not match.
    """
    rows = []
    for attribute, group in groups.items():
        for place, name in enumerate(classes[attribute]):
            inside = take_samples(samples, (group == place) & (samples.label >= 0))
            subjects = reindex(subjects_of(inside))
            if len(subjects):
                some = subsample_subjects(subjects, max_samples, seed)
                inside, subjects = take_samples(inside, some), reindex(subjects[some])
            if _testable(inside.label, subjects, folds):
                found = _measure(inside, permutations, folds, seed)
            else:
                found = (len(subjects), len(np.unique(subjects)), nan, nan, nan, nan)
            rows.append((attribute, name, *found))
    return pd.DataFrame(rows, columns=_COLUMNS)


def _testable(label: Ints, subjects: Ints, folds: int) -> bool:
    if len(np.unique(label)) < 2 or len(np.unique(subjects)) < folds:
        return False
    return min_subjects_per_class(reindex(label), subjects) > 1


def _measure(inside: Samples, permutations: int, folds: int, seed: int) -> tuple[float, ...]:
    """Return `n` and the columns after it."""
    test = permutation_tests(inside, permutations, folds, seed, max_samples=len(inside.label))[0]
    found = strongest_reading(test.label, test.subjects, test.correct, seed=seed)
    people = len(np.unique(test.subjects))
    return len(test.label), people, test.statistic, found.low, found.high, test.p_value
