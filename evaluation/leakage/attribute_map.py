"""The leakage of every attribute from every representation, by one fast attacker."""

from math import nan
from typing import NamedTuple

import numpy as np
import pandas as pd

from evaluation.leakage.accuracies import balanced_interval
from evaluation.probes.kernel_probe import KernelProbe
from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.audited_samples import reindex, subsample_subjects
from evaluation.samples.labelled_samples import unique_unknown_ids
from evaluation.samples.representations import Representations
from evaluation.samples.subject_folds import subject_folds


def attribute_map(
    representations: Representations,
    rows: np.ndarray | None = None,
    folds: int = 5,
    seed: int = 0,
    max_samples: int = 3000,
) -> pd.DataFrame:
    """Predict each attribute from each representation, for subjects that the attacker has not seen.

    The attacker is the RBF `KernelProbe`, which learns all attributes in the time of one.

    Args:
        representations: with any number of attributes.
        rows: samples to use, (M,) int or (N,) bool; all if None.
        folds: number of folds of the subjects.
        seed: seed of folds and the subsample.
        max_samples: with more samples, subjects are drawn at random.

    Returns:
        One row for each representation and attribute: `representation`, `attribute`, `balanced_accuracy`;
        `low` and `high`, its 95 % interval over subjects; `chance`; `n`, samples of known class. All but `n`
        are nan for an attribute with fewer than two classes, or fewer than `folds` subjects, in the samples.

    Raises:
        ValueError: embeddings that are not finite.
    """
    chosen = np.arange(len(representations))[slice(None) if rows is None else rows]
    subjects = reindex(unique_unknown_ids(representations.identity[chosen]))
    some = subsample_subjects(subjects, max_samples, seed)
    chosen, subjects = chosen[some], subjects[some]
    labels = {name: label[chosen] for name, label in representations.labels.items()}
    table = []
    for representation, embedding in representations.embeddings.items():
        x = embedding[chosen]
        if not np.isfinite(x).all():
            raise ValueError(f"embeddings of {representation} are not finite; the model has diverged")
        found: dict[str, _Score] = {}
        for names in _known_of_the_same_samples(labels):
            known = labels[names[0]] >= 0
            some_labels = [labels[name][known] for name in names]
            found |= zip(names, _attack(x[known], some_labels, subjects[known], folds, seed), strict=True)
        table += [(representation, name, *found[name]) for name in labels]
    return pd.DataFrame(table, columns=["representation", "attribute", *_Score._fields])


class _Score(NamedTuple):
    balanced_accuracy: float
    low: float
    high: float
    chance: float
    n: int


def _known_of_the_same_samples(labels: dict[str, Ints]) -> list[list[str]]:
    """Group the attributes whose labels are known for the same samples."""
    together: dict[bytes, list[str]] = {}
    for name, label in labels.items():
        together.setdefault((label >= 0).tobytes(), []).append(name)
    return list(together.values())


def _attack(x: Floats, labels: list[Ints], subjects: Ints, folds: int, seed: int) -> list[_Score]:
    """Cross-fit the attacker to several labellings, each (N,), of the same samples."""
    if len(np.unique(subjects)) < folds:
        return [_Score(nan, nan, nan, nan, len(x)) for _ in labels]
    labels = [reindex(label) for label in labels]
    predictions = np.zeros((len(labels), len(x)), np.int64)
    for train, test in subject_folds(np.zeros_like(subjects), subjects, folds, seed):
        probe = KernelProbe(x[train], x[test], "rbf")
        for prediction, label in zip(predictions, labels, strict=True):
            prediction[test] = probe.predict(label[None, train])[0]
    return [_score(p, label, subjects) for p, label in zip(predictions, labels, strict=True)]


def _score(prediction: Ints, label: Ints, subjects: Ints) -> _Score:
    classes = int(label.max()) + 1
    if classes < 2:
        return _Score(nan, nan, nan, nan, len(label))
    correct = prediction == label
    accuracy = np.mean([correct[label == c].mean() for c in range(classes)])
    low, high = balanced_interval(correct, label, subjects)
    return _Score(float(accuracy), low, high, 1 / classes, len(label))
