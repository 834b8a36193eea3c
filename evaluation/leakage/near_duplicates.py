"""Find embeddings that are the same, or nearly so, under several subjects."""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from evaluation.probes.standardise import scale_rows
from evaluation.samples.arrays import Floats, Ints

_SAMPLE = 2000  # rows that the scale and the usual distances are estimated from
_NEIGHBOURS = 10
_RANKS = (5, 10, 20, 40)  # of the neighbours whose distances show the dimension
_NEAR = 0.25  # of the usual distance to the tenth neighbour, at most
_CHANCE_PAIRS = 0.05  # expected number of pairs that are so near by chance
_WIDTH = 64  # principal components of the first search
_SCALED = 20_000  # rows scaled at a time
_ROWS = 500  # searched at a time
_ROUNDING = 4e-6  # of a sum of 64 products in single precision
_MAX_PAIRS = 20  # of one sample, on average
_LARGEST = 0.2  # of the samples in one unit; more do not fit into one of five folds


class SharedEmbeddings(NamedTuple):
    """Result of `shared_embeddings`."""

    exact: Ints
    """(E, 2) pairs of rows with equal embeddings and different subjects: each row that occurs under several
    subjects with the first row of the same embedding."""
    near: Ints
    """(K, 2) pairs of rows that are nearly equal, and not equal."""
    units: Ints
    """(N,) subjects to split by, numbered 0, 1, ...: those that share embeddings are one. The given subjects
    if `merged` is False."""
    merged: bool
    """False where merging would put more than a fifth of the samples into one unit, or where so many pairs
    are near that the search stopped: the representation has collapsed, or has few distinct values."""
    samples: int
    """Number of rows in any pair."""
    subjects: int
    """Number of subjects in any pair."""


def shared_embeddings(x: Floats, subjects: Ints, seed: int = 0) -> SharedEmbeddings:
    """Find samples that occur under several subjects, and join these subjects.

    One photograph under two names lets an attacker recognise what it has learned, so that the labels seem to
    be readable. Folds by `units` keep such samples together.

    Two different embeddings are nearly equal if their distance, on robustly scaled rows, is below a quarter
    of the usual distance between an embedding and its tenth neighbour of other subjects (median over 2,000
    rows); or below less in few dimensions, where some are so near by chance: the bound is such that .05
    pairs of N independent samples are expected, from the dimension d that distances to neighbours show
    (Levina and Bickel, 2004): the largest of those from the fifth to the tenth, the tenth to the twentieth
    and the twentieth to the fortieth, since a gap between clusters, such as all photographs of a subject
    under a second name, looks like a dimension of 1. So a compressed copy is found, and another photograph
    of the same person is not. Copies of which there are more than about five each are the usual distance
    themselves, and are found only where they are equal.

    Args:
        x: (N, D) embeddings of any scale.
        subjects: (N,) subject of each sample.
        seed: seed of the rows that the usual distances are estimated from.
    """
    subjects = np.unique(subjects, return_inverse=True)[1]
    x = np.ascontiguousarray(x)
    first = _first_equal(x)
    others = np.flatnonzero(first != np.arange(len(x)))
    exact = np.stack([first[others], others], 1)
    distinct = np.unique(first)
    near, complete = _near_pairs(_scaled(x, distinct, seed), subjects[distinct], seed)
    near = distinct[near]
    near = near[subjects[near[:, 0]] != subjects[near[:, 1]]]
    units = _join(subjects, np.concatenate([exact, near]))
    merged = complete and np.bincount(units).max() <= max(_LARGEST * len(x), np.bincount(subjects).max())
    exact = exact[_of_several_subjects(first, subjects)[exact[:, 0]]]
    rows = np.unique(np.concatenate([exact, near]))
    return SharedEmbeddings(
        exact=exact[subjects[exact[:, 0]] != subjects[exact[:, 1]]],
        near=near,
        units=units if merged else subjects,
        merged=bool(merged),
        samples=len(rows),
        subjects=len(np.unique(subjects[rows])),
    )


def _first_equal(x: Floats) -> Ints:
    """Return the first row that equals each row, (N,)."""
    rows = (x + 0.0).view(np.dtype((np.void, x.dtype.itemsize * x.shape[1])))[:, 0]  # -0 equals 0
    _, first, inverse = np.unique(rows, return_index=True, return_inverse=True)
    return first[inverse]


def _of_several_subjects(first: Ints, subjects: Ints) -> np.ndarray:
    """Find the rows (N,) whose embedding, known by its first row, occurs under several subjects."""
    pairs = np.unique(np.stack([first, subjects]), axis=1)[0]
    return np.bincount(pairs, minlength=len(first))[first] > 1


def _scaled(x: Floats, rows: Ints, seed: int) -> np.ndarray:
    """Scale the rows robustly by the statistics of some, (M, D) float32."""
    some = np.random.default_rng(seed).permutation(rows)[:_SAMPLE]
    scaled = np.empty((len(rows), x.shape[1]), np.float32)
    for start in range(0, len(rows), _SCALED):
        part = slice(start, start + _SCALED)
        scaled[part] = scale_rows(x[some], x[rows[part]], "robust")[1]
    return scaled


def _near_pairs(x: np.ndarray, subjects: Ints, seed: int) -> tuple[Ints, bool]:
    """Find pairs of near rows of different subjects, (K, 2), and whether all of them were found."""
    found = [np.empty((0, 2), np.int64)]
    near = _near_distance(x, subjects, seed)
    if not near > 0:
        return found[0], True
    few = x if x.shape[1] <= _WIDTH else x @ _principal_axes(x)
    count = 0
    for pairs in _within(few, near):
        difference = np.linalg.norm(x[pairs[:, 0]].astype(np.float64) - x[pairs[:, 1]], axis=1)
        pairs = pairs[(difference < near) & (subjects[pairs[:, 0]] != subjects[pairs[:, 1]])]
        found.append(pairs)
        count += len(pairs)
        if count > _MAX_PAIRS * len(x):
            return np.concatenate(found), False
    return np.concatenate(found), True


def _near_distance(x: np.ndarray, subjects: Ints, seed: int) -> float:
    """Return the distance below which two rows are nearly equal; 0 where there are too few rows."""
    some = np.random.default_rng(seed).permutation(len(x))[:_SAMPLE]
    usual = []
    for rows in np.array_split(some, max(1, len(some) // 100)):
        squared = (x[rows] ** 2).sum(1)[:, None] + (x**2).sum(1) - 2 * x[rows] @ x.T
        squared[subjects[rows][:, None] == subjects] = np.inf
        if squared.shape[1] <= _NEIGHBOURS:
            return 0.0
        most = min(_RANKS[-1], squared.shape[1])
        usual.append(np.sort(np.partition(squared, most - 1)[:, :most]))
    distance = np.sqrt(np.maximum(np.concatenate(usual), 0))
    tenth = distance[:, _NEIGHBOURS - 1]
    usable = np.isfinite(tenth) & (distance[:, _RANKS[0] - 1] > 0)
    if not usable.any():
        return 0.0
    share = (_CHANCE_PAIRS / (_NEIGHBOURS * len(x))) ** (1 / _dimension(distance[usable]))
    return float(min(_NEAR, share) * np.median(tenth[usable]))


def _dimension(distance: Floats) -> float:
    """Estimate the dimension of embeddings from the distances to their neighbours, (N, K) ascending."""
    found = []
    for near, far in pairwise(rank for rank in _RANKS if rank <= distance.shape[1]):
        known = distance[np.isfinite(distance[:, far - 1])][:, [near - 1, far - 1]]
        if len(known):
            ratio = np.median(np.log(known[:, 1] / known[:, 0]))
            found.append(np.log(far / near) / ratio if ratio > 0 else np.inf)
    return float(max(found))


def _principal_axes(x: np.ndarray) -> np.ndarray:
    """Return orthonormal axes (D, 64) of the largest variance; a projection makes no distance longer."""
    some = x[:: max(1, len(x) // (5 * _SAMPLE))].astype(np.float64)
    return np.linalg.eigh(np.cov(some.T))[1][:, -_WIDTH:].astype(np.float32)


def _within(x: np.ndarray, near: float) -> Iterator[Ints]:
    """Yield pairs i < j of rows whose distance is below `near`, (K, 2), for some rows at a time.

    Rounding may add pairs that are a little farther apart.
    """
    half = (1 - _ROUNDING) * (x**2).sum(1) / 2
    for start in range(0, len(x), _ROWS):
        rows = slice(start, start + _ROWS)
        closeness = x[rows] @ x[start:].T
        closeness -= half[start:]
        left, right = np.nonzero(closeness > half[rows, None] - near**2 / 2)
        yield np.stack([left, right], 1)[left < right] + start


def _join(subjects: Ints, pairs: Ints) -> Ints:
    """Number the subjects (N,) so that those of a pair are one."""
    ends = subjects[pairs]
    size = int(subjects.max()) + 1
    edges = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(size, size))
    return connected_components(edges, directed=False)[1][subjects]
