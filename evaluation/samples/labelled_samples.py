"""Embeddings with the labels of one attribute and their subjects."""

from typing import NamedTuple

import numpy as np

from evaluation.samples.arrays import Floats, Ints


class Samples(NamedTuple):
    """Embeddings, labels and subjects of N samples."""

    embedding: Floats
    """(N, D) of any float type and scale."""
    label: Ints
    """(N,) classes of the attribute; samples with -1 (unknown, padding) are dropped."""
    identity: Ints | None = None
    """(N,) subject of each sample, -1 where unknown; None if no subject is known."""
    block: Ints | None = None
    """(N,) block of samples that were drawn together (frames of one take), -1 where each is its own;
    None if no blocks are known. A permutation test shuffles the label of a block as one."""


def take_samples(samples: Samples, rows: np.ndarray) -> Samples:
    """Select the samples at rows, (M,) int or (N,) bool."""
    optional = (samples.identity, samples.block)
    identity, block = (None if column is None else np.asarray(column)[rows] for column in optional)
    return Samples(np.asarray(samples.embedding)[rows], np.asarray(samples.label)[rows], identity, block)


def known_samples(samples: Samples, name: str) -> Samples:
    """Keep the samples of known class.

    Args:
        samples: any samples.
        name: name of the set, for the error messages.

    Raises:
        ValueError: fewer than two classes or subjects, embeddings that are not finite, or shapes that do not
            match.
    """
    embedding, label = np.asarray(samples.embedding), np.asarray(samples.label)
    lengths = {len(column) for column in samples if column is not None}
    if embedding.ndim != 2 or label.ndim != 1 or len(lengths) > 1:
        raise ValueError(f"the {name} embeddings are {embedding.shape}, the labels {label.shape}")
    samples = take_samples(samples, label >= 0)
    if (classes := len(np.unique(samples.label))) < 2:
        known = len(samples.label)
        raise ValueError(f"the {name} set has {classes} classes in {known} known samples; two are needed")
    if len(np.unique(subjects_of(samples))) < 2:
        raise ValueError(f"the {name} set has one person; two are needed")
    if not np.isfinite(samples.embedding).all():
        raise ValueError(f"{name} embeddings are not finite; the model has diverged")
    return samples


def subjects_of(samples: Samples) -> Ints:
    """Return the subject of each sample, (N,); each unknown one is a subject of its own."""
    return unique_unknown_ids(
        np.full(len(samples.label), -1) if samples.identity is None else samples.identity
    )


def unique_unknown_ids(identity: Ints) -> Ints:
    """Give each unknown identity in (N,) a negative number of its own."""
    return np.where(identity < 0, -1 - np.arange(len(identity)), identity)


def known_subjects(samples: Samples) -> Ints:
    """Return the distinct known subjects, (P,)."""
    subjects = np.unique(subjects_of(samples))
    return subjects[subjects >= 0]
