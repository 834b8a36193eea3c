"""Every attribute in every representation: what else was lost, or left, with the one that was meant."""

from math import nan
from typing import NamedTuple

import numpy as np
import pandas as pd

from evaluation.leakage.held_out import balanced_interval
from evaluation.probes.kernel_probe import KernelProbe
from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.audited_samples import numbered, rows_of_some_people
from evaluation.samples.labelled_samples import unique_unknown_ids
from evaluation.samples.representations import Representations
from evaluation.samples.subject_folds import people_folds


def attribute_map(
    representations: Representations,
    rows: np.ndarray | None = None,
    folds: int = 5,
    seed: int = 0,
    max_samples: int = 3000,
) -> pd.DataFrame:
    """Read each attribute from each representation with one fast attacker, from people it has not seen.

    The attacker is the RBF `KernelProbe`, which learns all attributes in the time of one.

    Args:
        representations: with any number of attributes.
        rows: which samples to use, (M,) int or (N,) bool; all if None.
        folds: of people.
        seed: of folds, intervals, and the people drawn.
        max_samples: of more, people are drawn at random.

    Returns:
        One row a representation and attribute: `representation`, `attribute`, `balanced_accuracy`; `low` and
        `high`, its 95 % interval from drawing the people anew; `chance`; `n`, samples of known class. All but
        `n` are nan for an attribute that has fewer than two classes, or than `folds` people, in the samples.

    Raises:
        ValueError: embeddings that are not finite.
    """
    chosen = np.arange(len(representations))[slice(None) if rows is None else rows]
    identity = representations.identity[chosen]
    people = numbered(unique_unknown_ids(identity))
    some = rows_of_some_people(people, max_samples, seed)
    chosen, people = chosen[some], people[some]
    labels = {name: label[chosen] for name, label in representations.labels.items()}
    table = []
    for representation, embedding in representations.embeddings.items():
        x = embedding[chosen]
        if not np.isfinite(x).all():
            raise ValueError(f"embeddings of {representation} are not finite; the model has diverged")
        found: dict[str, _Reading] = {}
        for names in _known_of_the_same_samples(labels):
            known = labels[names[0]] >= 0
            some_labels = [labels[name][known] for name in names]
            found |= zip(names, _read(x[known], some_labels, people[known], folds, seed), strict=True)
        table += [(representation, name, *found[name]) for name in labels]
    return pd.DataFrame(table, columns=["representation", "attribute", *_Reading._fields])


class _Reading(NamedTuple):
    balanced_accuracy: float
    low: float
    high: float
    chance: float
    n: int


def _known_of_the_same_samples(labels: dict[str, Ints]) -> list[list[str]]:
    """Names of the attributes, those together whose labels are known of the same samples."""
    together: dict[bytes, list[str]] = {}
    for name, label in labels.items():
        together.setdefault((label >= 0).tobytes(), []).append(name)
    return list(together.values())


def _read(x: Floats, labels: list[Ints], people: Ints, folds: int, seed: int) -> list[_Reading]:
    """What is read of several labellings, each (N,), of the same samples."""
    if len(np.unique(people)) < folds:
        return [_Reading(nan, nan, nan, nan, len(x)) for _ in labels]
    labels = [numbered(label) for label in labels]
    read = np.zeros((len(labels), len(x)), np.int64)
    for train, test in people_folds(np.zeros_like(people), people, folds, seed):
        probe = KernelProbe(x[train], x[test], "rbf")
        for reading, label in zip(read, labels, strict=True):
            reading[test] = probe.predict(label[None, train])[0]
    return [_score(reading, label, people, seed) for reading, label in zip(read, labels, strict=True)]


def _score(read: Ints, label: Ints, people: Ints, seed: int) -> _Reading:
    classes = int(label.max()) + 1
    if classes < 2:
        return _Reading(nan, nan, nan, nan, len(label))
    correct = read == label
    accuracy = np.mean([correct[label == c].mean() for c in range(classes)])
    low, high = balanced_interval(correct, label, people, seed)
    return _Reading(float(accuracy), low, high, 1 / classes, len(label))
