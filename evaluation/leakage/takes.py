"""Find samples of a subject that were drawn together: blocks, and frames of one take."""

from itertools import pairwise

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import pdist

from evaluation.leakage.shuffled_labels import varies
from evaluation.probes.standardise import scale_rows
from evaluation.samples.arrays import Floats, Ints

_NEAR = 0.4  # of the distance between takes; ordinary photographs in 8 dimensions: 1 % are nearer
_DIMENSIONS = 8


def merge_takes(x: Floats, label: Ints, subjects: Ints, blocks: Ints) -> Ints:
    """Return the unit of each sample, (N,), numbered 0, 1, ...: samples whose label was not drawn anew.

    Samples of one subject, class and block are a unit, and so are near-duplicates of one subject and class.
    Near-duplicates are linked by distances below 0.4 of the usual distance between the takes of a subject.
    That is the median, over the subjects of several classes, of the length of the longest link that holds a
    subject's samples together (single linkage, on robustly scaled rows). In fewer than eight dimensions,
    where samples lie close to one another by chance, the share is smaller: 0.4 ** (8 / d), with d the
    dimension of the differences within subjects (participation ratio of their covariance).

    Takes whose frames differ by more than about 0.3 of the difference of takes (in standard deviations) are
    not found, nor takes where most subjects have only one. Those need blocks.

    Args:
        x: (N, D) embeddings.
        label: (N,) classes.
        subjects: (N,) subject of each sample, numbered 0, 1, ... without gaps.
        blocks: (N,) block of each sample, numbered 0, 1, ...
    """
    rows = scale_rows(x, x[:1], "robust")[0]
    order = np.lexsort((label, subjects))
    of_subject = _parts(order, subjects)
    several = varies(label, subjects)
    longest = [_longest_link(rows[part]) for part in of_subject if several[subjects[part[0]]]]
    longest = longest or [_longest_link(rows[part]) for part in of_subject if len(part) > 1]
    near = _near_share(rows, subjects) * np.median(longest) if longest else 0.0
    takes = np.zeros_like(label)
    count = 0
    cells = np.stack([subjects, label])
    for part in _parts(order, cells):
        linked = _clusters(rows[part], near)
        takes[part] = count + linked
        count += int(linked.max()) + 1
    in_block = np.unique(np.stack([subjects, label, blocks]), axis=1, return_inverse=True)[1]
    return _join(takes, in_block)


def _parts(order: Ints, key: Ints) -> list[Ints]:
    """Split rows, sorted by key, into those of equal keys (N,) or (K, N)."""
    ordered = np.atleast_2d(key)[:, order]
    ends = np.flatnonzero((np.diff(ordered) != 0).any(0)) + 1
    return [order[start:end] for start, end in pairwise([0, *ends, len(order)])]


def _longest_link(rows: Floats) -> float:
    return float(linkage(pdist(rows), "single")[-1, 2])


def _near_share(rows: Floats, subjects: Ints) -> float:
    """Return the share of the distance between takes below which two samples are near-duplicates."""
    count = np.bincount(subjects)
    means = np.zeros((len(count), rows.shape[1]))
    np.add.at(means, subjects, rows)
    within = rows - (means / count[:, None])[subjects]
    covariance = within.T @ within
    power = (covariance**2).sum()
    dimension = np.trace(covariance) ** 2 / power if power > 0 else 1.0
    return _NEAR ** max(1.0, _DIMENSIONS / dimension)


def _clusters(rows: Floats, near: float) -> Ints:
    """Number the groups of rows that links shorter than `near` hold together, (n,)."""
    if len(rows) == 1:
        return np.zeros(1, np.int64)
    return fcluster(linkage(pdist(rows), "single"), np.nextafter(near, -1), "distance") - 1


def _join(first: Ints, second: Ints) -> Ints:
    """Number the groups (N,) of samples that either grouping, (N,) each, holds together."""
    count, samples = len(first), np.arange(len(first))
    groups = np.concatenate([first, first.max() + 1 + second])
    size = count + int(groups.max()) + 1
    edges = coo_array((np.ones(2 * count), (np.tile(samples, 2), count + groups)), shape=(size, size))
    return np.unique(connected_components(edges)[1][:count], return_inverse=True)[1]
