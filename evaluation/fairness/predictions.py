"""Predictions of downstream classifiers for subjects they have not seen."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from evaluation.fairness.group_rates import RATES, Counts, group_rates
from evaluation.samples.arrays import Floats, Ints


@dataclass(frozen=True, eq=False)
class Predictions:
    """Predictions of D classifiers, one for each draw; a sample may occur in several draws.

    Attributes:
        draw: (M,) classifier of the prediction, 0 to D - 1.
        subject: (M,) subject of the sample; the same number in every draw.
        group: (M,) 0 or 1.
        target: (M,) 0 or 1, the truth.
        score: (M,) high for target 1.
        prediction: (M,) 0 or 1.
        groups: names of the two groups.
        n_train: training samples of each classifier.

    Raises:
        ValueError: columns of different lengths, labels other than 0 and 1, or a draw that lacks a cell of
            group x target (some rate would be undefined).
    """

    draw: Ints
    subject: Ints
    group: Ints
    target: Ints
    score: Floats
    prediction: Ints
    groups: tuple[str, str]
    n_train: int

    def __post_init__(self) -> None:
        columns = (self.draw, self.subject, self.group, self.target, self.score, self.prediction)
        if len(lengths := {len(column) for column in columns}) > 1 or lengths == {0}:
            raise ValueError(f"the columns of the predictions have {sorted(lengths)} rows")
        for name in ("group", "target", "prediction"):
            if not np.isin(getattr(self, name), (0, 1)).all():
                raise ValueError(f"the {name} of a prediction must be 0 or 1")
        for draw, group, target in np.argwhere(self.counts(self.draw, self.draws).sum(-1) == 0):
            raise ValueError(f"draw {draw} has no sample with target {target} and {self.groups[group]}")

    @property
    def draws(self) -> int:
        """Number of classifiers D."""
        return int(self.draw.max()) + 1

    def counts(self, by: Ints, size: int) -> Counts:
        """Count predictions (size, 2, 2, 2) by [by, group, target, prediction], for any `by` (M,) < size."""
        cell = ((by * 2 + self.group) * 2 + self.target) * 2 + self.prediction
        return np.bincount(cell, minlength=8 * size).reshape(size, 2, 2, 2)

    def rates(self) -> pd.DataFrame:
        """Compute the rates of each draw and group, with the definitions of `group_rates`.

        Returns:
            Columns `draw`, `group`, `n`, `accuracy`, `tpr`, `fpr`, `tnr`, `selection_rate`, `auc`, `n_train`.
        """
        rows: list[dict[str, object]] = []
        for draw, counts in enumerate(self.counts(self.draw, self.draws)):
            rates = group_rates(counts, positive=1)
            for i, name in enumerate(self.groups):
                mine = (self.draw == draw) & (self.group == i)
                row = {"draw": draw, "group": name, "n": int(mine.sum())}
                row |= {rate: float(rates[rate][i]) for rate in RATES}
                rows.append(
                    row | {"auc": roc_auc_score(self.target[mine], self.score[mine]), "n_train": self.n_train}
                )
        return pd.DataFrame(rows)
