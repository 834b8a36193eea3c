"""Labels shuffled so that nothing is left for a probe to find, and all else stays as it is."""

from typing import Literal

import numpy as np

from evaluation.samples.arrays import Ints

Scheme = Literal["within people", "over people"]


def choose_scheme(label: Ints, people: Ints) -> Scheme:
    """`within people` for an attribute that changes from image to image, `over people` for one that does not.

    It changes if at least half as many people have several classes as would if classes had nothing to do with
    people. So a few wrong labels do not make gender an attribute that changes, nor does it take six images of
    everybody to see that emotion is one.

    Args:
        label: (N,) classes 0, 1, ...
        people: (N,) whose the samples are, numbered 0, 1, ... without gaps.
    """
    shares = np.bincount(label) / len(label)
    several = 1 - (shares ** np.bincount(people)[:, None]).sum(1)  # chance of several classes, by person
    found = varies(label, people).sum()
    return "within people" if found and found >= several.sum() / 2 else "over people"


def varies(label: Ints, people: Ints) -> np.ndarray:
    """(P,) bool, whether a person's samples differ in class."""
    low, high = (np.full(int(people.max()) + 1, fill) for fill in (label.max(), label.min()))
    np.minimum.at(low, people, label)
    np.maximum.at(high, people, label)
    return low < high


def shuffled(label: Ints, people: Ints, scheme: Scheme, rng: np.random.Generator) -> Ints:
    """Labels (N,) after one shuffle.

    Args:
        label: (N,) classes.
        people: (N,) whose the samples are, numbered 0, 1, ... without gaps.
        scheme: `within people`, the labels of each person change places. `over people`, people change labels:
            one whose samples agree with another of that kind, however many samples each has; one whose
            samples differ with another of that kind who has as many samples.
        rng: draws the shuffle.
    """
    by_person = np.argsort(people, kind="stable")
    source = np.empty_like(by_person)  # the row whose label each row takes
    if scheme == "within people":
        source[by_person] = np.lexsort((rng.random(len(label)), people))
        return label[source]
    count = np.bincount(people)
    start = np.cumsum(count) - count
    kind = np.where(varies(label, people), count, 0)  # 0 for all whose samples agree
    donor = np.arange(len(count))
    for one in np.unique(kind):
        alike = np.flatnonzero(kind == one)
        donor[alike] = rng.permutation(alike)
    person = people[by_person]
    place = np.arange(len(label)) - start[person]  # of a row among those of its person
    source[by_person] = by_person[start[donor[person]] + np.where(kind[person] > 0, place, 0)]
    return label[source]
