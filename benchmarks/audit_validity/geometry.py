"""Draw embeddings that leak a class in a known way, or not at all."""

import numpy as np
from scipy.stats import norm

from benchmarks.audit_validity.case import Table
from evaluation.samples.arrays import Floats, Ints

Rng = np.random.Generator


def subjects_of(count: int, images: int) -> Ints:
    """Number `count` subjects of `images` samples each, (count * images,)."""
    return np.repeat(np.arange(count), images)


def draw_label(
    identity: Ints, rng: Rng, *, constant: bool = True, shares: tuple[float, ...] = (0.5, 0.5)
) -> Ints:
    """Draw classes of subjects (constant) or of images, with exactly these shares but for rounding, (N,)."""
    units = len(np.unique(identity)) if constant else len(identity)
    bounds = np.round(np.cumsum((0, *shares)) * units).astype(int)
    label = np.repeat(np.arange(len(shares)), np.diff(bounds))
    label = rng.permutation(label)
    return label[identity] if constant else label


def cloud(identity: Ints, width: int, rng: Rng, *, between: float = 0.5) -> Floats:
    """Draw embeddings of unit variance in each of `width` features; `between` of it lies between subjects."""
    places = rng.normal(size=(int(identity.max()) + 1, width))
    noise = rng.normal(size=(len(identity), width))
    return np.sqrt(between) * places[identity] + np.sqrt(1 - between) * noise


def shift_for(accuracy: float) -> float:
    """Return the distance of two classes of unit variance that the best rule tells apart at an accuracy."""
    return float(2 * norm.ppf(accuracy))


def linear_leak(identity: Ints, label: Ints, width: int, accuracy: float, rng: Rng) -> Floats:
    """Draw embeddings whose first feature tells two classes apart at `accuracy`, the best rule's own."""
    x = cloud(identity, width, rng, between=0.0)
    x[:, 0] += shift_for(accuracy) * (label - 0.5)
    return x


def null_table(rng: Rng, subjects: int = 60, images: int = 5, width: int = 16) -> Table:
    """Draw a table without a leak: identities are easy to tell apart, and tell nothing of the classes."""
    identity = subjects_of(subjects, images)
    return Table(cloud(identity, width, rng, between=0.7), draw_label(identity, rng), identity)
