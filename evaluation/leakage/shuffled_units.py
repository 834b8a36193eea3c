"""Samples of a permutation test, the units that its shuffles move, and the probes that read them."""

from typing import NamedTuple

import numpy as np

from evaluation.leakage.fold_probes import FoldProbes, splits_of
from evaluation.leakage.shuffled_labels import even_counts
from evaluation.leakage.takes import merge_takes
from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.audited_samples import audited_samples, reindex
from evaluation.samples.labelled_samples import Samples


class ShuffledUnits(NamedTuple):
    """N samples, of U units whose labels are shuffled; those of one unit have one label."""

    x: Floats
    """(N, D) embeddings."""
    unit: Ints
    """(N,) unit of each sample, numbered 0, 1, ..."""
    label: Ints
    """(U,) class of each unit."""
    subject: Ints
    """(U,) subject of each unit, numbered 0, 1, ..."""


class Bench(NamedTuple):
    """Units, and cross-fitted probes of their samples; several measurements share them."""

    units: ShuffledUnits
    probes: FoldProbes

    @classmethod
    def of(cls, samples: Samples, folds: int, max_samples: int, seed: int) -> "Bench":
        """Choose the units and fit the probes; arguments as `shuffled_units`."""
        units = shuffled_units(samples, folds, max_samples, seed)
        return cls(units, FoldProbes(units.x, splits_of(units.subject[units.unit], folds, seed)))


def shuffled_units(samples: Samples, folds: int, max_samples: int, seed: int) -> ShuffledUnits:
    """Merge samples that were drawn together, and choose units so that subjects can exchange labels.

    See `takes.merge_takes` and `shuffled_labels.even_counts`.

    Args:
        samples: of one representation and one attribute.
        folds: number of folds, at least so many subjects are needed.
        max_samples: with more samples, subjects are drawn at random.
        seed: seed of both draws.

    Raises:
        ValueError: see `audited_samples`.
    """
    x, label, subjects, blocks = audited_samples(samples, folds, max_samples, seed)
    units = merge_takes(x, label, subjects, blocks)
    first = np.unique(units, return_index=True)[1]
    some = even_counts(subjects[first], np.random.default_rng(seed))
    rows = np.flatnonzero(some[units])
    return ShuffledUnits(x[rows], reindex(units[rows]), label[first[some]], subjects[first[some]])
