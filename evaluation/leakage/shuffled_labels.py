"""Shuffle labels so that no leak is left and everything else stays the same.

Whatever was drawn together (frames of one take) is a unit, which has one label and is shuffled as one. All
functions work on units: their labels and subjects.
"""

from typing import Literal, get_args

import numpy as np

from evaluation.samples.arrays import Floats, Ints

Scheme = Literal["across subjects", "within subjects"]
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)

_MIN_VARYING = 10  # subjects of several classes, two in each of five folds


def varies(label: Ints, subjects: Ints) -> np.ndarray:
    """Find the subjects whose units differ in class, (P,) bool; arguments as `shuffled`."""
    low, high = (np.full(int(subjects.max()) + 1, fill) for fill in (label.max(), label.min()))
    np.minimum.at(low, subjects, label)
    np.maximum.at(high, subjects, label)
    return low < high


def possible_schemes(label: Ints, subjects: Ints) -> list[Scheme]:
    """Return the ways in which shuffling makes sense; arguments as `shuffled`.

    `across subjects` always does. `within subjects` needs an attribute that changes from image to image: at
    least ten subjects have several classes, and at least half as many as would if classes were independent
    of subjects. So a few wrong labels do not make gender an attribute that changes, and emotion is
    recognised as one without six images of every subject.
    """
    shares = np.bincount(label) / len(label)
    several = 1 - (shares ** np.bincount(subjects)[:, None]).sum(1)  # chance of several classes, by subject
    enough = varies(label, subjects).sum() >= max(_MIN_VARYING, several.sum() / 2)
    return list(SCHEMES) if enough else ["across subjects"]


def shuffled(label: Ints, subjects: Ints, scheme: Scheme, rng: np.random.Generator) -> Ints:
    """Shuffle the labels (U,) once.

    Args:
        label: (U,) classes 0, 1, ...
        subjects: (U,) subject of each unit, numbered 0, 1, ... without gaps.
        scheme: `within subjects`, the labels of each subject change places. `across subjects`, subjects with
            equally many units exchange all their labels, which take any order: what the labels of a subject
            have in common stays together. See `even_counts` for unequal numbers.
        rng: source of the random numbers.
    """
    by_subject = np.argsort(subjects, kind="stable")
    donors = np.lexsort((rng.random(len(label)), subjects))  # the unit whose label each takes
    if scheme == "across subjects":
        count = np.bincount(subjects)
        start = np.cumsum(count) - count
        donor = np.arange(len(count))
        for one in np.unique(count):
            alike = np.flatnonzero(count == one)
            donor[alike] = rng.permutation(alike)
        subject = subjects[by_subject]
        place = np.arange(len(label)) - start[subject]  # of a unit among those of its subject
        donors = donors[start[donor[subject]] + place]
    source = np.empty_like(donors)
    source[by_subject] = donors
    return label[source]


def even_counts(subjects: Ints, rng: np.random.Generator) -> np.ndarray:
    """Choose units at random so that many subjects have equally many of them, (U,) bool.

    Only subjects with equally many units can exchange their labels exactly. Subjects with similar numbers
    form a group, and all of a group keep as many as its smallest subject has. The groups are those which
    waste the fewest units: the ones left out, and those of one subject in each group, since a group of one
    cannot exchange and m subjects have m - 1 choices. The choice does not depend on labels or embeddings.

    Args:
        subjects: (U,) subject of each unit, numbered 0, 1, ... without gaps.
        rng: source of the random numbers.
    """
    count = np.bincount(subjects)
    sizes, kind, subjects_of_size = np.unique(count, return_inverse=True, return_counts=True)
    kept = _group_minima(sizes, subjects_of_size)[kind]
    order = np.lexsort((rng.random(len(subjects)), subjects))
    place = np.empty_like(order)
    place[order] = np.arange(len(order)) - (np.cumsum(count) - count)[subjects[order]]
    return place < kept[subjects]


def _group_minima(sizes: Ints, subjects: Ints) -> Ints:
    """Return the smallest size of the group that each size (K,) is put into, by dynamic programming.

    Args:
        sizes: (K,) distinct numbers of units, ascending.
        subjects: (K,) number of subjects of each.
    """
    many, units = np.cumsum(subjects), np.cumsum(subjects * sizes)
    waste: Floats = np.zeros(len(sizes) + 1)  # the least for the sizes before each
    first = np.zeros(len(sizes), np.int64)
    for last in range(len(sizes)):
        starts = np.arange(last + 1)
        in_group = many[last] - many[starts] + subjects[starts]
        left_out = units[last] - units[starts] + (subjects * sizes)[starts] - in_group * sizes[starts]
        total = waste[starts] + left_out + sizes[starts]
        first[last] = np.argmin(total)
        waste[last + 1] = total[first[last]]
    minima = np.empty_like(sizes)
    end = len(sizes)
    while end:
        start = first[end - 1]
        minima[start:end] = sizes[start]
        end = start
    return minima
