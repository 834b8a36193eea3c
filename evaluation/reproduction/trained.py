"""Our figures for published tables of metrics, from the results of trainings, one for each seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan, sqrt

from scipy.stats import t

from evaluation.reproduction.measured import deviation, mean
from evaluation.reproduction.metric_table import Column, MetricTable

Results = Mapping[str, float]
"""Content of the `results.json` of a training: metric -> value."""

_CONFIDENCE = 0.95


@dataclass(frozen=True)
class MetricScore:
    """A metric over the seeds, in the units of its column.

    Attributes:
        values: one for each seed; nan if the run did not log it.
    """

    values: Sequence[float] = ()

    @property
    def known(self) -> list[float]:
        """Values of the runs that logged it."""
        return [x for x in self.values if not isnan(x)]

    @property
    def mean(self) -> float:
        """Mean over the seeds; nan without values."""
        return mean(self.known)

    @property
    def interval(self) -> tuple[float, float]:
        """Interval of 95 % of the mean by Student's t; (nan, nan) for fewer than two seeds."""
        n = len(self.known)
        if n < 2:
            return nan, nan
        half = float(t.ppf((1 + _CONFIDENCE) / 2, n - 1)) * deviation(self.known) / sqrt(n)
        return self.mean - half, self.mean + half


MetricScores = Mapping[tuple[str, str], MetricScore]
"""(row, column) -> score, for the cells that we measured."""


def value_of(results: Results, column: Column) -> float:
    """Compute the figure of a column from the results of a run; nan if it was not logged."""
    less = 0.0 if column.minus is None else _logged(results, column.minus)
    return column.factor * (_logged(results, column.metric) - less)


def _logged(results: Results, metric: str) -> float:
    """Return the first logged metric of alternatives separated by `|`, as names of classes differ."""
    return next((results[name] for name in metric.split("|") if name in results), nan)


def score_metrics(
    tables: Sequence[MetricTable], results: Mapping[str, Sequence[Results]]
) -> dict[tuple[str, str], MetricScore]:
    """Collect every figure of trainings.

    Args:
        tables: tables to fill.
        results: step -> results of its runs, one for each seed, in the same order of the seeds.
    """
    return {
        (row.id, column): MetricScore([value_of(run, table.columns[column]) for run in results[step]])
        for table in tables
        for row, column, step in table.cells()
        if step is not None
    }
