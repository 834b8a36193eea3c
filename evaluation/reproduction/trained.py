"""Ours: the figures of published tables of metrics, read from the results of trainings, one a seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan, sqrt

from scipy.stats import t

from evaluation.reproduction.measured import deviation, mean
from evaluation.reproduction.metric_table import Column, MetricTable

Results = Mapping[str, float]
"""What a training leaves in `results.json`: metric -> value."""

_CONFIDENCE = 0.95


@dataclass(frozen=True)
class MetricScore:
    """A metric over the seeds, in the units of its column.

    Attributes:
        values: one a seed; nan where the run did not log it.
    """

    values: Sequence[float] = ()

    @property
    def known(self) -> list[float]:
        """The values of the runs that logged it."""
        return [x for x in self.values if not isnan(x)]

    @property
    def mean(self) -> float:
        """Over the seeds; nan of none."""
        return mean(self.known)

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the mean by Student's t; (nan, nan) of fewer than two seeds."""
        n = len(self.known)
        if n < 2:
            return nan, nan
        half = float(t.ppf((1 + _CONFIDENCE) / 2, n - 1)) * deviation(self.known) / sqrt(n)
        return self.mean - half, self.mean + half


MetricScores = Mapping[tuple[str, str], MetricScore]
"""(row, column) -> what trainings left, for the cells that ours has."""


def value_of(results: Results, column: Column) -> float:
    """The figure of a column in the results of a run; nan if it did not log it."""
    less = 0.0 if column.minus is None else _logged(results, column.minus)
    return column.factor * (_logged(results, column.metric) - less)


def _logged(results: Results, metric: str) -> float:
    """The first that was logged of names with `|` between them, as data differ in what they call a class."""
    return next((results[name] for name in metric.split("|") if name in results), nan)


def score_metrics(
    tables: Sequence[MetricTable], results: Mapping[str, Sequence[Results]]
) -> dict[tuple[str, str], MetricScore]:
    """Every figure that trainings left.

    Args:
        tables: what is asked for.
        results: step -> what its runs left, one a seed, the seeds in one order.
    """
    return {
        (row.id, column): MetricScore([value_of(run, table.columns[column]) for run in results[step]])
        for table in tables
        for row, column, step in table.cells()
        if step is not None
    }
