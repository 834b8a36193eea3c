"""Usable information and description length of an attribute, in bits."""

from itertools import pairwise

import numpy as np
import pandas as pd

from evaluation.probes.attacker_table import PROBABILITY_FAMILIES
from evaluation.probes.probability_probes import class_shares, probabilities
from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.audited_samples import audited_samples
from evaluation.samples.labelled_samples import Samples
from evaluation.samples.subject_bootstrap import bootstrap_interval
from evaluation.samples.subject_folds import subject_folds

# ends of the blocks of the online code, as shares of the samples (Voita and Titov, section 4)
_BLOCKS = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.0625, 0.125, 0.25, 0.5, 1.0)
_MIN_BLOCK = 16  # samples of the first block; a probe learns nothing from fewer


def usable_information(
    samples: Samples, folds: int = 5, seed: int = 0, max_samples: int = 5000
) -> pd.DataFrame:
    """Measure V-information: the gain of a family of probes over the class frequencies, on unseen subjects.

    I_V(Z -> Y) = H_V(Y) - H_V(Y | Z), both entropies being mean costs -log2 p(label) of held-out samples. It
    grows with the training set. Without usable information it is about 0, and slightly negative if a probe
    overfits; it is reported as it is.

    Source: Xu et al., "A theory of usable information under computational constraints", ICLR 2020.

    Args:
        samples: of one representation and one attribute.
        folds: number of folds of the subjects.
        seed: seed of folds, probes and intervals.
        max_samples: with more samples, subjects are drawn at random.

    Returns:
        One row for each family: `family` (linear, mlp); `bits` per sample; `low` and `high`, the 95 %
        interval over subjects; `entropy`, H_V(Y) in bits, the upper bound; `n` samples.

    Raises:
        ValueError: see `audited_samples`.
    """
    x, label, subjects, _ = audited_samples(samples, folds, max_samples, seed)
    classes = int(label.max()) + 1
    blind = np.zeros(len(label))
    cost = {family: np.zeros(len(label)) for family in PROBABILITY_FAMILIES}
    for train, test in subject_folds(label, subjects, folds, seed):
        blind[test] = _bits(class_shares(label[train], classes)[None], label[test])
        for family in PROBABILITY_FAMILIES:
            found = probabilities(family, x[train], label[train], subjects[train], x[test], classes, seed)
            cost[family][test] = _bits(found, label[test])
    rows = []
    for family in PROBABILITY_FAMILIES:
        gain = blind - cost[family]
        low, high = _mean_interval(gain, subjects, seed)
        rows.append((family, gain.mean(), low, high, blind.mean(), len(label)))
    return pd.DataFrame(rows, columns=["family", "bits", "low", "high", "entropy", "n"])


def description_length(samples: Samples, seed: int = 0, max_samples: int = 5000) -> pd.DataFrame:
    """Compute the online (prequential) code length of all labels, given the embeddings.

    Subjects arrive in a random order, in blocks of doubling size. The first block costs log2 K bits per
    label; each later one is coded by a probe that learned from all blocks before it. The code is therefore
    also shorter for an attribute that is learned from few samples.

    Source: Voita and Titov, "Information-theoretic probing with minimum description length", EMNLP 2020.

    Args:
        samples: of one representation and one attribute.
        seed: seed of the order and the probes.
        max_samples: with more samples, subjects are drawn at random.

    Returns:
        One row for each family: `family` (linear, mlp); `codelength` in bits; `uniform`, n log2 K;
        `compression`, their ratio; `prior`, the code length by class frequencies alone, below `uniform` where
        classes are unequal: the leak is what `codelength` saves compared with it; `n` samples.

    Raises:
        ValueError: see `audited_samples`.
    """
    x, label, subjects, _ = audited_samples(samples, 2, max_samples, seed)
    order = np.random.default_rng(seed).permutation(int(subjects.max()) + 1)
    rows = np.argsort(order[subjects], kind="stable")
    x, label, subjects = x[rows], label[rows], subjects[rows]
    classes = int(label.max()) + 1
    first, *ends = _block_ends(subjects)
    cost = {family: first * np.log2(classes) for family in ("prior", *PROBABILITY_FAMILIES)}
    for start, end in pairwise([first, *ends]):
        cost["prior"] += _bits(class_shares(label[:start], classes)[None], label[start:end]).sum()
        for family in PROBABILITY_FAMILIES:
            found = probabilities(
                family, x[:start], label[:start], subjects[:start], x[start:end], classes, seed
            )
            cost[family] += _bits(found, label[start:end]).sum()
    uniform = len(label) * np.log2(classes)
    table = [
        (f, cost[f], uniform, uniform / cost[f], cost["prior"], len(label)) for f in PROBABILITY_FAMILIES
    ]
    return pd.DataFrame(table, columns=["family", "codelength", "uniform", "compression", "prior", "n"])


def _block_ends(subjects: Ints) -> list[int]:
    """Return the ends of the blocks, each at a share of the samples or where the next subject ends."""
    last = np.flatnonzero(np.append(subjects[1:] != subjects[:-1], True)) + 1
    ends = {int(last[np.searchsorted(last, share * len(subjects))]) for share in _BLOCKS}
    return sorted(end for end in ends if end >= min(_MIN_BLOCK, len(subjects)))


def _bits(probability: Floats, label: Ints) -> Floats:
    """Compute the cost of labels (M,) in bits by probabilities (M, K), or (1, K) for all of them."""
    row = np.arange(len(label)) if len(probability) > 1 else 0
    return -np.log2(probability[row, label])


def _mean_interval(value: Floats, subjects: Ints, seed: int) -> tuple[float, float]:
    """Compute the 95 % bootstrap interval over subjects 0, 1, ... of the mean of (N,)."""
    total, size = np.bincount(subjects, value), np.bincount(subjects)
    return bootstrap_interval(lambda drawn: total[drawn].sum() / size[drawn].sum(), len(size), seed)
