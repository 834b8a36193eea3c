"""Accuracies of an attacker, with intervals over subjects."""

import numpy as np
import pandas as pd
from sklearn.utils.class_weight import compute_sample_weight

from evaluation.leakage.recall_intervals import balanced_intervals, class_recalls
from evaluation.samples.arrays import Ints


def accuracies(correct: np.ndarray, label: Ints, subjects: Ints, spread: float = 0.0) -> dict[str, float]:
    """Compute the accuracies of an attacker and their reference levels, all in [0, 1].

    Args:
        correct: (N,) bool, or the share of several predictions that were correct.
        label: (N,) classes.
        subjects: (N,) subject of each sample.
        spread: standard deviation of the balanced accuracy over retrainings, which widens the interval; 0
            leaves it conditional on the trained attacker.

    Returns:
        `accuracy` and `majority` (accuracy of always predicting the largest class); `balanced_accuracy` (mean
        recall of the classes), the ends `low` and `high` of its 95 % interval over subjects (see
        `balanced_intervals`), and `chance` (1 / classes).
    """
    low, high = balanced_interval(correct, label, subjects, spread)
    sizes = np.unique(label, return_counts=True)[1]
    return {
        "accuracy": correct.mean(),
        "majority": sizes.max() / sizes.sum(),
        "balanced_accuracy": np.average(correct, weights=compute_sample_weight("balanced", label)),
        "low": low,
        "high": high,
        "chance": 1 / len(sizes),
    }


def balanced_interval(
    correct: np.ndarray, label: Ints, subjects: Ints, spread: float = 0.0
) -> tuple[float, float]:
    """Compute the 95 % interval over subjects of the balanced accuracy, see `balanced_intervals`."""
    low, high = balanced_intervals(class_recalls(np.asarray(correct)[None], label, subjects), spread=spread)
    return float(low[0]), float(high[0])


def strongest(table: pd.DataFrame) -> pd.Series:
    """Return the row with the highest `balanced_accuracy`, the first of equals.

    The choice is made by the reported score itself, so without any leakage the score lies slightly above
    chance.
    """
    return table.iloc[int(table["balanced_accuracy"].argmax())]
