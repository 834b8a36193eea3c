"""Check published claims, by the published figures themselves and by ours."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isnan, nan

from evaluation.reproduction.conditions import METRIC, Claim, Condition
from evaluation.reproduction.measured import SCALINGS, Measurement, Scores, measured_reduction
from evaluation.reproduction.published import Published
from evaluation.reproduction.trained import MetricScores


@dataclass(frozen=True)
class Figures:
    """Functions that look up the figures of conditions.

    Attributes:
        measurement: (row, representation, scaling) -> figure of an audit, None if there is none.
        metric: (row, column) -> result of a training, nan if there is none.
    """

    measurement: Callable[[str, str, str | None], Measurement | None]
    metric: Callable[[str, str], float]


@dataclass(frozen=True)
class Finding:
    """The result of checking a claim.

    Attributes:
        claim: the claim.
        printed: whether the published figures support it; None if they lack such figures.
        ours: for each seed, whether our figures support it; empty if they were not measured.
    """

    claim: Claim
    printed: bool | None
    ours: Sequence[bool]

    @property
    def verdict(self) -> str:
        """Result over the seeds, `holds` or `does not hold` if all agree."""
        if not self.ours:
            return "not measured"
        if len(set(self.ours)) > 1:
            return f"the seeds disagree ({sum(self.ours)} of {len(self.ours)} hold)"
        return "holds" if self.ours[0] else "does not hold"


def judge(published: Published, scores: Scores, trained: MetricScores) -> list[Finding]:
    """Check every claim by the published figures, and by ours of audits and trainings."""
    seeds = max(
        (*(len(x.readings) for x in scores.values()), *(len(x.values) for x in trained.values())), default=0
    )
    printed = _printed(published)
    found = []
    for claim in published.claims:
        by_seed = [holds(claim, _of_seed(scores, trained, seed), published.control) for seed in range(seeds)]
        known = [x for x in by_seed if x is not None]
        by_print = holds(claim, printed, published.control)
        found.append(Finding(claim, by_print, known if len(known) == seeds else []))
    return found


def _printed(published: Published) -> Figures:
    rows = {row.id: row for row in published.rows}
    metrics = {row.id: row for table in published.metrics for row in table.rows}

    def measurement(row: str, representation: str, scaling: str | None) -> Measurement | None:
        accuracy = rows[row].accuracy.get(representation)
        if scaling or accuracy is None:
            return None
        return Measurement(accuracy, nan, nan, rows[row].chance, 0, "as printed")

    return Figures(measurement, lambda row, column: metrics[row].published.get(column, nan))


def _of_seed(scores: Scores, trained: MetricScores, seed: int) -> Figures:
    def measurement(row: str, representation: str, scaling: str | None) -> Measurement | None:
        readings = scores[row, representation, scaling or SCALINGS[0]].readings
        return readings[seed] if seed < len(readings) else None

    def metric(row: str, column: str) -> float:
        values = trained[row, column].values if (row, column) in trained else ()
        return values[seed] if seed < len(values) else nan

    return Figures(measurement, metric)


def holds(claim: Claim, figures: Figures, control: str) -> bool | None:
    """Check whether all conditions of a claim hold; None if a figure is missing."""
    results = [_holds(condition, figures, control) for condition in claim.conditions]
    return None if None in results else all(results)


def _holds(condition: Condition, figures: Figures, control: str) -> bool | None:
    value = _value(condition, condition.row, condition.of, figures, control)
    if isnan(value):
        return None
    if condition.rival is not None:
        other = _value(condition, *condition.rival, figures, control)
        return None if isnan(other) else value > other
    low = condition.at_least is None or value >= condition.at_least
    return low and (condition.at_most is None or value <= condition.at_most)


def _value(condition: Condition, row: str, of: str, figures: Figures, control: str) -> float:
    """Look up the figure of a condition for a row and representation or column; nan if it is missing."""
    if condition.figure == METRIC:
        return figures.metric(row, of)
    after = figures.measurement(row, of, condition.scaling)
    before = figures.measurement(row, control, condition.scaling)
    if after is None or before is None:
        return nan
    return {
        "accuracy": after.accuracy,
        "lost": before.accuracy - after.accuracy,
        "above_chance": after.accuracy - after.chance,
        "removed": measured_reduction(before, after),
    }[condition.figure]
