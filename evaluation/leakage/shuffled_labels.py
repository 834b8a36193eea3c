"""Shuffle labels so that no leak is left and everything else stays the same."""

from typing import Literal

import numpy as np

from evaluation.samples.arrays import Ints

Scheme = Literal["within people", "over people"]


def choose_scheme(label: Ints, subjects: Ints) -> Scheme:
    """Choose `within people` for an attribute that changes from image to image, else `over people`.

    It changes if at least half as many subjects have several classes as would if classes were independent of
    subjects. So a few wrong labels do not make gender an attribute that changes, and emotion is recognised as
    one without six images of every subject.

    Args:
        label: (N,) classes 0, 1, ...
        subjects: (N,) subject of each sample, numbered 0, 1, ... without gaps.
    """
    shares = np.bincount(label) / len(label)
    several = 1 - (shares ** np.bincount(subjects)[:, None]).sum(1)  # chance of several classes, by subject
    found = varies(label, subjects).sum()
    return "within people" if found and found >= several.sum() / 2 else "over people"


def varies(label: Ints, subjects: Ints) -> np.ndarray:
    """Find the subjects whose samples differ in class, (P,) bool."""
    low, high = (np.full(int(subjects.max()) + 1, fill) for fill in (label.max(), label.min()))
    np.minimum.at(low, subjects, label)
    np.maximum.at(high, subjects, label)
    return low < high


def shuffled(label: Ints, subjects: Ints, scheme: Scheme, rng: np.random.Generator) -> Ints:
    """Shuffle the labels (N,) once.

    Args:
        label: (N,) classes.
        subjects: (N,) subject of each sample, numbered 0, 1, ... without gaps.
        scheme: `within people`, the labels of each subject change places. `over people`, subjects exchange
            labels: one of a single class with any other such subject, whatever their numbers of samples; one
                of
            several classes with another such subject that has the same number of samples.
        rng: source of the random numbers.
    """
    by_subject = np.argsort(subjects, kind="stable")
    source = np.empty_like(by_subject)  # the row whose label each row takes
    if scheme == "within people":
        source[by_subject] = np.lexsort((rng.random(len(label)), subjects))
        return label[source]
    count = np.bincount(subjects)
    start = np.cumsum(count) - count
    kind = np.where(varies(label, subjects), count, 0)  # 0 for subjects of a single class
    donor = np.arange(len(count))
    for one in np.unique(kind):
        alike = np.flatnonzero(kind == one)
        donor[alike] = rng.permutation(alike)
    subject = subjects[by_subject]
    place = np.arange(len(label)) - start[subject]  # of a row among those of its subject
    source[by_subject] = by_subject[start[donor[subject]] + np.where(kind[subject] > 0, place, 0)]
    return label[source]
