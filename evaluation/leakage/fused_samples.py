"""Average several images of one subject."""

import numpy as np

from evaluation.samples.audited_samples import AuditedSamples, reindex


def fuse(
    samples: AuditedSamples, images: int | None, *, by_class: bool, rng: np.random.Generator
) -> AuditedSamples:
    """Average the embeddings of disjoint random groups of images of one subject.

    The means of standardised embeddings are the standardised means, so the scale does not matter here.

    Args:
        samples: N samples.
        images: size of a group; None for all images, at least two. Images that fill no group are left out.
        by_class: a group is of one class; otherwise its class is that of most of its images.
        rng: source of the random numbers.

    Returns:
        M means with their classes and subjects, numbered 0, 1, ... anew.
    """
    label, subjects = samples.label, samples.subjects
    sets = reindex(subjects * (label.max() + 1) + label) if by_class else subjects
    size = np.bincount(sets)
    each = np.full(len(size), images) if images else np.maximum(size, 2)
    order = np.lexsort((rng.random(len(label)), sets))
    place = np.arange(len(label)) - np.repeat(np.cumsum(size) - size, size)  # of an image within its set
    order, place = (a[place < (size // each * each)[sets[order]]] for a in (order, place))
    group = reindex(sets[order] * len(label) + place // each[sets[order]])
    count = np.bincount(group)
    mean = np.zeros((len(count), samples.embedding.shape[1]))
    np.add.at(mean, group, samples.embedding[order] / count[group, None])
    votes = np.zeros((len(count), int(label.max()) + 1), np.int64)
    np.add.at(votes, (group, label[order]), 1)
    first = np.unique(group, return_index=True)[1]
    return AuditedSamples(mean, reindex(votes.argmax(1)), reindex(subjects[order][first]))
