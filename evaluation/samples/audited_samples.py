"""The samples that a measurement of leakage can use."""

from typing import NamedTuple

import numpy as np

from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.labelled_samples import (
    Samples,
    known_samples,
    subjects_of,
    take_samples,
    unique_unknown_ids,
)


class AuditedSamples(NamedTuple):
    """Samples of known class; classes and subjects are numbered 0, 1, ... without gaps."""

    embedding: Floats
    """(N, D), finite."""
    label: Ints
    """(N,) classes, at least two."""
    subjects: Ints
    """(N,) subject of each sample."""
    blocks: Ints | None = None
    """(N,) block of each sample, numbered likewise; None where blocks play no part."""


def audited_samples(
    samples: Samples, min_subjects: int, max_samples: int | None = None, seed: int = 0
) -> AuditedSamples:
    """Keep the samples of known class, in the given order; an unknown subject is one of its own.

    Args:
        samples: of one representation and one attribute.
        min_subjects: number of subjects that the measurement needs.
        max_samples: keep at most this many, of subjects drawn at random.
        seed: seed of that draw.

    Raises:
        ValueError: embeddings that are not finite, shapes that do not match, one class, or too few subjects.
    """
    if max_samples is None:
        known = known_samples(samples, "audited")
    else:
        known = draw_samples(samples, max_samples, seed)
    subjects = reindex(subjects_of(known))
    if (found := int(subjects.max()) + 1) < min_subjects:
        raise ValueError(f"the audited samples are of {found} people; {min_subjects} are needed")
    return AuditedSamples(known.embedding, reindex(known.label), subjects, blocks_of(known))


def draw_samples(samples: Samples, max_samples: int, seed: int) -> Samples:
    """Keep at most so many samples of known class, of subjects drawn at random; their labels stay as given.

    Raises:
        ValueError: see `known_samples`.
    """
    known = known_samples(samples, "audited")
    rows = subsample_subjects(reindex(subjects_of(known)), max_samples, seed)
    return known_samples(take_samples(known, rows), f"audited (of {max_samples} samples at most)")


def subsample_subjects(subjects: Ints, max_samples: int, seed: int) -> Ints:
    """Return all rows of as many randomly ordered subjects as have at most `max_samples` rows together.

    Args:
        subjects: (N,) subject of each sample, numbered 0, 1, ... without gaps.
        max_samples: upper bound on the number of rows.
        seed: seed of the order.
    """
    order = np.random.default_rng(seed).permutation(int(subjects.max()) + 1)
    chosen = order[np.cumsum(np.bincount(subjects)[order]) <= max_samples]
    return np.flatnonzero(np.isin(subjects, chosen))


def blocks_of(samples: Samples) -> Ints:
    """Return the block of each sample, (N,), numbered 0, 1, ...; a sample without one is its own block."""
    block = np.full(len(samples.label), -1) if samples.block is None else samples.block
    return reindex(unique_unknown_ids(block))


def reindex(values: Ints) -> Ints:
    """Replace each value (N,) by its position among the distinct values in ascending order."""
    return np.unique(values, return_inverse=True)[1]
