"""The samples that a measurement of leakage can use, in the form that all of them share."""

from typing import NamedTuple

import numpy as np

from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.labelled_samples import Samples, known_samples, subjects_of, take_samples


class AuditedSamples(NamedTuple):
    """Samples of known class, classes and people numbered 0, 1, ... without gaps."""

    embedding: Floats
    """(N, D), finite."""
    label: Ints
    """(N,) classes, at least two."""
    people: Ints
    """(N,) whose they are."""


def audited_samples(
    samples: Samples, people: int, max_samples: int | None = None, seed: int = 0
) -> AuditedSamples:
    """The samples whose class is known, in the given order; those of unknown people are a person each.

    Args:
        samples: of one representation and one attribute.
        people: the least number of people that the measurement needs.
        max_samples: keep at most so many, of people drawn at random.
        seed: of that draw.

    Raises:
        ValueError: embeddings that are not finite, shapes that do not match, one class, or too few people.
    """
    known = known_samples(samples, "audited")
    whose = numbered(subjects_of(known))
    if max_samples is not None:
        rows = rows_of_some_people(whose, max_samples, seed)
        known = known_samples(take_samples(known, rows), f"audited (of {max_samples} samples at most)")
        whose = numbered(whose[rows])
    if (found := int(whose.max()) + 1) < people:
        raise ValueError(f"the audited samples are of {found} people; {people} are needed")
    return AuditedSamples(known.embedding, numbered(known.label), whose)


def rows_of_some_people(people: Ints, max_samples: int, seed: int) -> Ints:
    """All rows of as many people, in a random order, as have at most `max_samples` together.

    Args:
        people: (N,) whose the samples are, numbered 0, 1, ... without gaps.
        max_samples: of all of them.
        seed: of the order.
    """
    order = np.random.default_rng(seed).permutation(int(people.max()) + 1)
    chosen = order[np.cumsum(np.bincount(people)[order]) <= max_samples]
    return np.flatnonzero(np.isin(people, chosen))


def numbered(values: Ints) -> Ints:
    """(N,) the place of each value among the different values in ascending order."""
    return np.unique(values, return_inverse=True)[1]
