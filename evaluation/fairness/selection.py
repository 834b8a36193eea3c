"""Rules of model selection by validation measures."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from evaluation.samples.arrays import Floats


class NoCandidateError(ValueError):
    """No candidate qualifies for the rule."""


class Rule(Protocol):
    """A rule of model selection."""

    @property
    def name(self) -> str:
        """Name of the rule in tables."""

    def select(self, table: pd.DataFrame) -> int:
        """Return the position of the chosen row: the first of equals, never one with nan in a column it uses.

        Args:
            table: one row for each candidate, one column for each measure.

        Raises:
            ValueError: a column is missing.
            NoCandidateError: no row qualifies.
        """


@dataclass(frozen=True)
class BestAccuracy:
    """Choose the highest accuracy over all samples."""

    name: str = "best accuracy"

    def select(self, table: pd.DataFrame) -> int:
        """Choose a row, see `Rule`."""
        return _largest(_column(table, "accuracy"), self.name)


@dataclass(frozen=True)
class WorstGroup:
    """Choose the highest accuracy of the worst group."""

    name: str = "worst group"

    def select(self, table: pd.DataFrame) -> int:
        """Choose a row, see `Rule`."""
        return _largest(_column(table, "worst_group_accuracy"), self.name)


@dataclass(frozen=True)
class DistanceToOptimum:
    """Choose the nearest to an ideal model with the best accuracy and the smallest gap of all candidates.

    The distance is Euclidean, both axes in [0, 1].

    Args:
        gap: the column that should be 0, signed or not.
        name: name of the rule in tables.
    """

    gap: str = "tpr_gap"
    name: str = "distance to optimum"

    def select(self, table: pd.DataFrame) -> int:
        """Choose a row, see `Rule`."""
        accuracy, gap = _column(table, "accuracy"), np.abs(_column(table, self.gap))
        known = ~np.isnan(accuracy + gap)
        best = accuracy.max(where=known, initial=-np.inf), gap.min(where=known, initial=np.inf)
        return _largest(np.where(known, -np.hypot(accuracy - best[0], gap - best[1]), np.nan), self.name)


@dataclass(frozen=True)
class MostUtility:
    """Choose the highest utility among the candidates that leak little enough.

    Args:
        leakage_at_most: the limit, in the unit of the column.
        leakage: column of the leakage.
        utility: column of the utility, e.g. a verification AUC.
    """

    leakage_at_most: float
    leakage: str = "leakage"
    utility: str = "accuracy"

    @property
    def name(self) -> str:
        """Name of the rule in tables."""
        return f"most {self.utility} with {self.leakage} <= {self.leakage_at_most:g}"

    def select(self, table: pd.DataFrame) -> int:
        """Choose a row, see `Rule`."""
        leakage, utility = _column(table, self.leakage), _column(table, self.utility)
        return _largest(np.where(leakage <= self.leakage_at_most, utility, np.nan), self.name)


@dataclass(frozen=True)
class Oracle:
    """Apply a rule to the test measures: an upper bound for model selection, not a result.

    `Candidates.evaluate` gives the test measures to no other rule.

    Args:
        rule: the rule to apply.
    """

    rule: Rule

    @property
    def name(self) -> str:
        """Name of the rule in tables."""
        return f"oracle ({self.rule.name})"

    def select(self, table: pd.DataFrame) -> int:
        """Choose a row, see `Rule`."""
        return self.rule.select(table)


def _column(table: pd.DataFrame, name: str) -> Floats:
    if name not in table:
        raise ValueError(f"candidates have no measure {name}; they have {', '.join(map(str, table.columns))}")
    return table[name].to_numpy(np.float64)


def _largest(values: Floats, rule: str) -> int:
    """Return the position of the largest value, the first of equals."""
    if np.isnan(values).all():
        raise NoCandidateError(f"{rule}: none of {len(values)} candidates qualifies")
    return int(np.nanargmax(values))
