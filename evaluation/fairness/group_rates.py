"""Group fairness from integer counts, which are divided once; a rate without trials is nan."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchmetrics import Metric

from evaluation.samples.intervals import wilson_interval

Counts = NDArray[np.int64]
"""(G, C, C) samples by [group, target, prediction]."""

RATES = ("accuracy", "tpr", "fpr", "tnr", "selection_rate")


class GroupCounts(Metric):
    """Accumulate the confusion counts of every group over batches and ranks.

    The state has a fixed size, so a batch or a rank that lacks a group adds zeros in its place.
    (`torchmetrics` 1.9 splits a batch by the groups present and can credit a group's counts to another:
    Lightning-AI/torchmetrics#3489.)

    Args:
        groups: number of groups G.
        classes: number of classes C of target and prediction.
    """

    is_differentiable = False
    higher_is_better = None
    full_state_update = False
    counts: Tensor

    def __init__(self, groups: int, classes: int) -> None:
        super().__init__()
        if groups < 1 or classes < 1:
            raise ValueError(f"groups and classes must be at least 1, got {groups} and {classes}")
        self.shape = (groups, classes, classes)
        self.add_state("counts", torch.zeros(self.shape, dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, prediction: Tensor, target: Tensor, group: Tensor) -> None:
        """Add a batch; samples whose target or group is -1 (unknown, padding) are ignored.

        Args:
            prediction: (N,) int64 in [0, C).
            target: (N,) int64 in [-1, C).
            group: (N,) int64 in [-1, G).

        Raises:
            ValueError: a label is outside its range, or the shapes differ.
        """
        if not prediction.shape == target.shape == group.shape or prediction.ndim != 1:
            shapes = [tuple(x.shape) for x in (prediction, target, group)]
            raise ValueError(f"prediction, target and group must all be (N,), got {shapes}")
        groups, classes, _ = self.shape
        for name, label, low, high in (
            ("prediction", prediction, 0, classes),
            ("target", target, -1, classes),
            ("group", group, -1, groups),
        ):
            if ((label < low) | (label >= high)).any():
                raise ValueError(f"{name} must be in [{low}, {high}), got {label.min()} to {label.max()}")
        known = (target >= 0) & (group >= 0)
        cell = (group[known] * classes + target[known]) * classes + prediction[known]
        self.counts += torch.bincount(cell, minlength=self.counts.numel()).view(self.shape)

    def compute(self) -> Tensor:
        """Return the counts (G, C, C) int64, of all ranks together."""
        return self.counts


def rate_counts(counts: Counts, positive: int) -> dict[str, tuple[Counts, Counts]]:
    """Count successes and trials, each (G,), of every rate in `RATES`.

    Accuracy counts exact matches; the other rates treat class `positive` against all the others.
    """
    if not 0 <= positive < counts.shape[1]:
        raise ValueError(f"positive must be a class index in [0, {counts.shape[1]}), got {positive}")
    n = counts.sum(axis=(1, 2))
    true_positive = counts[:, positive, positive]
    positives, selected = counts[:, positive].sum(axis=1), counts[:, :, positive].sum(axis=1)
    negatives, false_positive = n - positives, selected - true_positive
    return {
        "accuracy": (np.trace(counts, axis1=1, axis2=2), n),
        "tpr": (true_positive, positives),
        "fpr": (false_positive, negatives),
        "tnr": (negatives - false_positive, negatives),
        "selection_rate": (selected, n),
    }


def group_rates(counts: Counts, positive: int | None) -> dict[str, NDArray[np.float64]]:
    """Compute every rate in `RATES` of every group, (G,) in [0, 1]; nan where it has no trials.

    Without `positive` a rate is the mean over the classes, each against all the others; nan where a class has
    no trials, as a mean over the other classes would not be comparable.

    For the rates of all groups together, pass `counts.sum(axis=0, keepdims=True)`.
    """
    if positive is None:
        each = [group_rates(counts, c) for c in range(counts.shape[1])]
        return {rate: np.mean([rates[rate] for rates in each], axis=0) for rate in RATES}
    return {
        rate: np.divide(hits, trials, out=np.full(len(counts), np.nan), where=trials > 0)
        for rate, (hits, trials) in rate_counts(counts, positive).items()
    }


def group_table(counts: Counts, names: Sequence[str], positive: int | None) -> pd.DataFrame:
    """Make a tidy table with one row for each group.

    Args:
        counts: (G, C, C) int64 by [group, target, prediction].
        names: names of the G groups.
        positive: index of the positive class; None takes the mean over the classes.

    Returns:
        Columns `group`, `n`, and for each rate `<rate>`, `<rate>_low`, `<rate>_high` (95 % Wilson interval;
        nan of a mean over classes).
    """
    if len(names) != len(counts):
        raise ValueError(f"got {len(names)} names for {len(counts)} groups")
    columns: dict[str, object] = {"group": list(names), "n": counts.sum(axis=(1, 2))}
    rates = group_rates(counts, positive)
    for rate, (hits, trials) in rate_counts(counts, positive or 0).items():
        averaged = positive is None and rate != "accuracy"
        intervals = [wilson_interval(k, 0 if averaged else n) for k, n in zip(hits, trials, strict=True)]
        columns[rate] = rates[rate]
        columns[f"{rate}_low"], columns[f"{rate}_high"] = zip(*intervals, strict=True)
    return pd.DataFrame(columns)


def undefined_rates(counts: Counts, names: Sequence[str], positive: int | None) -> dict[str, list[str]]:
    """Find the groups that some gap leaves out: group name -> its rates that are nan."""
    rates = group_rates(counts, positive)
    undefined = {name: [r for r in RATES if np.isnan(rates[r][i])] for i, name in enumerate(names)}
    return {name: missing for name, missing in undefined.items() if missing}


def fairness_gaps(counts: Counts, positive: int | None) -> dict[str, float]:
    """Compute the gaps between the groups.

    Groups whose rate is nan are left out of that rate's gap (the caller should warn, see `undefined_rates`);
    with fewer than two groups left, the result is nan.

    Returns:
        `tpr_gap`, `accuracy_gap`, `demographic_parity_gap` (selection rate): largest minus smallest rate.
        `equalised_odds_gap`: the larger of the TPR and FPR gaps.
        `worst_group_accuracy`: the smallest; this and the gaps are in [0, 1].
        `equal_opportunity`: the TPR gap in points, 0 is fair (thesis, table 4.2).
        `equal_opportunity_annex`: 100 minus that, 100 is fair (ICPR 2020 paper, table II).
    """
    rates = group_rates(counts, positive)
    defined = {rate: values[~np.isnan(values)] for rate, values in rates.items()}
    gap = {r: float(np.ptp(values)) if len(values) > 1 else float("nan") for r, values in defined.items()}
    accuracy = defined["accuracy"]
    return {
        "tpr_gap": gap["tpr"],
        "equal_opportunity": 100 * gap["tpr"],
        "equal_opportunity_annex": 100 - 100 * gap["tpr"],
        "equalised_odds_gap": float(np.maximum(gap["tpr"], gap["fpr"])),  # nan where either is
        "demographic_parity_gap": gap["selection_rate"],
        "accuracy_gap": gap["accuracy"],
        "worst_group_accuracy": float(accuracy.min()) if len(accuracy) > 1 else float("nan"),
    }
