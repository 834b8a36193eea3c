"""Groups of several images of one subject, and the means of their embeddings."""

import numpy as np

from evaluation.samples.arrays import Ints
from evaluation.samples.audited_samples import AuditedSamples, reindex


def draw_groups(
    samples: AuditedSamples, images: int | None, *, by_class: bool, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Draw disjoint random groups of images of one subject.

    Args:
        samples: N samples.
        images: size of a group; None for all images, at least two. Images that fill no group are left out.
        by_class: a group is of one class.
        rng: source of the random numbers.

    Returns:
        K rows of samples, and the group 0, 1, ... of each.
    """
    label, subjects = samples.label, samples.subjects
    sets = reindex(subjects * (label.max() + 1) + label) if by_class else subjects
    size = np.bincount(sets)
    each = np.full(len(size), images) if images else np.maximum(size, 2)
    order = np.lexsort((rng.random(len(label)), sets))
    place = np.arange(len(label)) - np.repeat(np.cumsum(size) - size, size)  # of an image within its set
    order, place = (a[place < (size // each * each)[sets[order]]] for a in (order, place))
    return order, reindex(sets[order] * len(label) + place // each[sets[order]])


def fuse(samples: AuditedSamples, rows: Ints, group: Ints) -> AuditedSamples:
    """Average the embeddings of groups.

    The means of standardised embeddings are the standardised means, so the scale does not matter here.

    Args:
        samples: N samples.
        rows: (K,) rows of samples.
        group: (K,) group 0, 1, ... of each.

    Returns:
        The means, with the class of most images of a group; classes and subjects are numbered anew.
    """
    count = np.bincount(group)
    mean = np.zeros((len(count), samples.embedding.shape[1]))
    np.add.at(mean, group, samples.embedding[rows] / count[group, None])
    first = np.unique(group, return_index=True)[1]
    label = reindex(classes_of_groups(samples, rows, group))
    return AuditedSamples(mean, label, reindex(samples.subjects[rows][first]))


def classes_of_groups(samples: AuditedSamples, rows: Ints, group: Ints) -> Ints:
    """Return the class of most images of each group."""
    votes = np.zeros((int(group.max(initial=-1)) + 1, int(samples.label.max()) + 1), np.int64)
    np.add.at(votes, (group, samples.label[rows]), 1)
    return votes.argmax(1)
