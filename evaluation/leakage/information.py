"""How many bits of an attribute a family of probes can use, and how few bits it then takes to say it."""

from itertools import pairwise

import numpy as np
import pandas as pd

from evaluation.probes.probability_probes import FAMILIES, class_shares, probabilities
from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.audited_samples import audited_samples
from evaluation.samples.labelled_samples import Samples
from evaluation.samples.subject_folds import people_folds

_DRAWS = 1000
# ends of the blocks of the online code, as shares of the samples (Voita and Titov, section 4)
_BLOCKS = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.0625, 0.125, 0.25, 0.5, 1.0)
_LEAST = 16  # samples of the first block: what too few could teach is not worth a probe


def usable_information(
    samples: Samples, folds: int = 5, seed: int = 0, max_samples: int = 5000
) -> pd.DataFrame:
    """V-information: what a family of probes gains over a guess by class shares, on people it has not seen.

    I_V(Z -> Y) = H_V(Y) - H_V(Y | Z), both entropies being mean costs -log2 p(label) of held-out samples.
    With more to learn from, the family could use more. Where there is nothing to use, it is about 0, and a
    little less if a probe believed in something that does not hold for others; reported as it is.

    Source: Xu et al., "A theory of usable information under computational constraints", ICLR 2020.

    Args:
        samples: of one representation and one attribute.
        folds: of people.
        seed: of folds, probes and intervals.
        max_samples: of more, people are drawn at random.

    Returns:
        One row a family: `family` (linear, mlp); `bits` a sample; `low` and `high`, the 95 % interval from
        drawing the people anew; `entropy`, H_V(Y) in bits, the most that there is; `n` samples.

    Raises:
        ValueError: see `audited_samples`.
    """
    x, label, people = audited_samples(samples, folds, max_samples, seed)
    classes = int(label.max()) + 1
    blind = np.zeros(len(label))
    cost = {family: np.zeros(len(label)) for family in FAMILIES}
    for train, test in people_folds(label, people, folds, seed):
        blind[test] = _bits(class_shares(label[train], classes)[None], label[test])
        for family in FAMILIES:
            found = probabilities(family, x[train], label[train], people[train], x[test], classes, seed)
            cost[family][test] = _bits(found, label[test])
    rows = []
    for family in FAMILIES:
        gain = blind - cost[family]
        low, high = _mean_interval(gain, people, seed)
        rows.append((family, gain.mean(), low, high, blind.mean(), len(label)))
    return pd.DataFrame(rows, columns=["family", "bits", "low", "high", "entropy", "n"])


def description_length(samples: Samples, seed: int = 0, max_samples: int = 5000) -> pd.DataFrame:
    """The online (prequential) code: how many bits transmit all labels to somebody who has the embeddings.

    People come in a random order, in blocks that double. The first block costs log2 K bits a label, every
    later one what a probe that learned from all before it says. So it counts as well how fast a probe learns.

    Source: Voita and Titov, "Information-theoretic probing with minimum description length", EMNLP 2020.

    Args:
        samples: of one representation and one attribute.
        seed: of the order and the probes.
        max_samples: of more, people are drawn at random.

    Returns:
        One row a family: `family` (linear, mlp); `codelength` in bits; `uniform`, n log2 K; `compression`,
        their ratio; `prior`, the code length by class shares alone, below `uniform` where classes are
        unequal: a leak is what `codelength` saves beside it; `n` samples.

    Raises:
        ValueError: see `audited_samples`.
    """
    x, label, people = audited_samples(samples, 2, max_samples, seed)
    order = np.random.default_rng(seed).permutation(int(people.max()) + 1)
    rows = np.argsort(order[people], kind="stable")
    x, label, people = x[rows], label[rows], people[rows]
    classes = int(label.max()) + 1
    first, *ends = _block_ends(people)
    cost = {family: first * np.log2(classes) for family in ("prior", *FAMILIES)}
    for start, end in pairwise([first, *ends]):
        cost["prior"] += _bits(class_shares(label[:start], classes)[None], label[start:end]).sum()
        for family in FAMILIES:
            found = probabilities(
                family, x[:start], label[:start], people[:start], x[start:end], classes, seed
            )
            cost[family] += _bits(found, label[start:end]).sum()
    uniform = len(label) * np.log2(classes)
    table = [(f, cost[f], uniform, uniform / cost[f], cost["prior"], len(label)) for f in FAMILIES]
    return pd.DataFrame(table, columns=["family", "codelength", "uniform", "compression", "prior", "n"])


def _block_ends(people: Ints) -> list[int]:
    """Numbers of samples at which a block ends: where a person does, at or after a share of the samples."""
    last = np.flatnonzero(np.append(people[1:] != people[:-1], True)) + 1
    ends = {int(last[np.searchsorted(last, share * len(people))]) for share in _BLOCKS}
    return sorted(end for end in ends if end >= min(_LEAST, len(people)))


def _bits(probability: Floats, label: Ints) -> Floats:
    """What labels (M,) cost by probabilities (M, K), or (1, K) for all of them, in bits (M,)."""
    row = np.arange(len(label)) if len(probability) > 1 else 0
    return -np.log2(probability[row, label])


def _mean_interval(value: Floats, people: Ints, seed: int) -> tuple[float, float]:
    """95 % bootstrap interval of the mean of (N,), drawing people 0, 1, ... and not their samples."""
    total, size = np.bincount(people, value), np.bincount(people)
    draws = np.random.default_rng(seed).integers(len(size), size=(_DRAWS, len(size)))
    low, high = np.quantile(total[draws].sum(1) / size[draws].sum(1), [0.025, 0.975])
    return float(low), float(high)
