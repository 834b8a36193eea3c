"""Rules that choose a model by its validation."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from evaluation.samples.arrays import Floats


class NoCandidateError(ValueError):
    """No candidate is one that the rule would take."""


class Rule(Protocol):
    """A way to choose."""

    @property
    def name(self) -> str:
        """What a table calls it."""

    def select(self, table: pd.DataFrame) -> int:
        """The position of the chosen row; of equals the first, and none that has nan in a column it reads.

        Args:
            table: one row a candidate, one column a measure.

        Raises:
            ValueError: a column is missing.
            NoCandidateError: no row can be chosen.
        """


@dataclass(frozen=True)
class BestAccuracy:
    """The highest accuracy, whomever it serves."""

    name: str = "best accuracy"

    def select(self, table: pd.DataFrame) -> int:
        """See `Rule`."""
        return _largest(_column(table, "accuracy"), self.name)


@dataclass(frozen=True)
class WorstGroup:
    """The highest accuracy of the group that is served worst."""

    name: str = "worst group"

    def select(self, table: pd.DataFrame) -> int:
        """See `Rule`."""
        return _largest(_column(table, "worst_group_accuracy"), self.name)


@dataclass(frozen=True)
class DistanceToOptimum:
    """The nearest to a model that would have the best accuracy and the smallest gap of all candidates.

    The distance is Euclidean, both axes in [0, 1].

    Args:
        gap: the column that should be 0, signed or not.
        name: what a table calls the rule.
    """

    gap: str = "tpr_gap"
    name: str = "distance to optimum"

    def select(self, table: pd.DataFrame) -> int:
        """See `Rule`."""
        accuracy, gap = _column(table, "accuracy"), np.abs(_column(table, self.gap))
        known = ~np.isnan(accuracy + gap)
        best = accuracy.max(where=known, initial=-np.inf), gap.min(where=known, initial=np.inf)
        return _largest(np.where(known, -np.hypot(accuracy - best[0], gap - best[1]), np.nan), self.name)


@dataclass(frozen=True)
class MostUtility:
    """The highest utility among those that leak little enough.

    Args:
        leakage_at_most: the limit, in the unit of the column.
        leakage: the column of the leakage.
        utility: the column of the utility, e.g. a verification AUC.
    """

    leakage_at_most: float
    leakage: str = "leakage"
    utility: str = "accuracy"

    @property
    def name(self) -> str:
        """What a table calls it."""
        return f"most {self.utility} with {self.leakage} <= {self.leakage_at_most:g}"

    def select(self, table: pd.DataFrame) -> int:
        """See `Rule`."""
        leakage, utility = _column(table, self.leakage), _column(table, self.utility)
        return _largest(np.where(leakage <= self.leakage_at_most, utility, np.nan), self.name)


@dataclass(frozen=True)
class Oracle:
    """What a rule would choose if it were shown the test: a bound on what choosing can reach, not a result.

    `Candidates.evaluate` shows the test to no other rule.

    Args:
        rule: the rule.
    """

    rule: Rule

    @property
    def name(self) -> str:
        """What a table calls it."""
        return f"oracle ({self.rule.name})"

    def select(self, table: pd.DataFrame) -> int:
        """See `Rule`."""
        return self.rule.select(table)


def _column(table: pd.DataFrame, name: str) -> Floats:
    if name not in table:
        raise ValueError(f"candidates have no measure {name}; they have {', '.join(map(str, table.columns))}")
    return table[name].to_numpy(np.float64)


def _largest(values: Floats, rule: str) -> int:
    """The position of the largest, the first of equals."""
    if np.isnan(values).all():
        raise NoCandidateError(f"{rule}: none of {len(values)} candidates qualifies")
    return int(np.nanargmax(values))
