"""Accuracies of an attacker, with intervals over subjects."""

import numpy as np
import pandas as pd
from sklearn.utils.class_weight import compute_sample_weight

from evaluation.samples.arrays import Ints
from evaluation.samples.subject_bootstrap import bootstrap_interval


def accuracies(correct: np.ndarray, label: Ints, subjects: Ints, seed: int) -> dict[str, float]:
    """Compute the accuracies of an attacker and their reference levels, all in [0, 1].

    Args:
        correct: (N,) bool, or the share of several predictions that were correct.
        label: (N,) classes.
        subjects: (N,) subject of each sample.
        seed: seed of the bootstrap.

    Returns:
        `accuracy` and `majority` (accuracy of always predicting the largest class); `balanced_accuracy` (mean
        recall of the classes), the ends `low` and `high` of its 95 % interval, and `chance` (1 / classes).
    """
    low, high = balanced_interval(correct, label, subjects, seed)
    sizes = np.unique(label, return_counts=True)[1]
    return {
        "accuracy": correct.mean(),
        "majority": sizes.max() / sizes.sum(),
        "balanced_accuracy": np.average(correct, weights=compute_sample_weight("balanced", label)),
        "low": low,
        "high": high,
        "chance": 1 / len(sizes),
    }


def balanced_interval(correct: np.ndarray, label: Ints, subjects: Ints, seed: int) -> tuple[float, float]:
    """Compute the 95 % bootstrap interval over subjects of the balanced accuracy; see `accuracies`."""
    classes, label = np.unique(label, return_inverse=True)
    distinct, subjects = np.unique(subjects, return_inverse=True)
    trials = np.zeros((len(distinct), len(classes)))
    hits = np.zeros_like(trials)
    np.add.at(trials, (subjects, label), 1)
    np.add.at(hits, (subjects, label), correct)

    def balanced_accuracy(drawn: Ints) -> float:
        times = np.bincount(drawn, minlength=len(distinct))
        total = times @ trials
        met = total > 0  # a draw may lack a class
        return float(np.mean((times @ hits)[met] / total[met]))

    return bootstrap_interval(balanced_accuracy, len(distinct), seed)


def strongest(table: pd.DataFrame) -> pd.Series:
    """Return the row with the highest `balanced_accuracy`, the first of equals.

    The choice is made by the reported score itself, so without any leakage the score lies slightly above
    chance.
    """
    return table.iloc[int(table["balanced_accuracy"].argmax())]
