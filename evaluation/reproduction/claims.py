"""Whether published claims hold: by the published figures themselves, and by ours."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isnan, nan

from evaluation.reproduction.conditions import METRIC, Claim, Condition
from evaluation.reproduction.measured import SCALINGS, Reading, Scores, share_removed
from evaluation.reproduction.published import Published
from evaluation.reproduction.trained import MetricScores


@dataclass(frozen=True)
class Figures:
    """Where the figures of conditions are looked up.

    Attributes:
        reading: (row, representation, scaling) -> what an audit read, None where there is no such figure.
        metric: (row, column) -> what a training left, nan where there is no such figure.
    """

    reading: Callable[[str, str, str | None], Reading | None]
    metric: Callable[[str, str], float]


@dataclass(frozen=True)
class Finding:
    """What the figures say of a claim.

    Attributes:
        claim: the claim.
        printed: whether its own table supports it; None if that has no such figures.
        ours: for each seed, whether ours do; empty if they were not measured.
    """

    claim: Claim
    printed: bool | None
    ours: Sequence[bool]

    @property
    def verdict(self) -> str:
        """`holds` or `does not hold` if all seeds agree."""
        if not self.ours:
            return "not measured"
        if len(set(self.ours)) > 1:
            return f"the seeds disagree ({sum(self.ours)} of {len(self.ours)} hold)"
        return "holds" if self.ours[0] else "does not hold"


def judge(published: Published, scores: Scores, trained: MetricScores) -> list[Finding]:
    """Every claim, by the published figures, and by ours of audits and of trainings."""
    seeds = max(
        (*(len(x.readings) for x in scores.values()), *(len(x.values) for x in trained.values())), default=0
    )
    printed = _printed(published)
    found = []
    for claim in published.claims:
        by_seed = [holds(claim, _of_seed(scores, trained, seed), published.control) for seed in range(seeds)]
        known = [x for x in by_seed if x is not None]
        said = holds(claim, printed, published.control)
        found.append(Finding(claim, said, known if len(known) == seeds else []))
    return found


def _printed(published: Published) -> Figures:
    rows = {row.id: row for row in published.rows}
    metrics = {row.id: row for table in published.metrics for row in table.rows}

    def reading(row: str, representation: str, scaling: str | None) -> Reading | None:
        accuracy = rows[row].accuracy.get(representation)
        if scaling or accuracy is None:
            return None
        return Reading(accuracy, nan, nan, rows[row].chance, 0, "as printed")

    return Figures(reading, lambda row, column: metrics[row].published.get(column, nan))


def _of_seed(scores: Scores, trained: MetricScores, seed: int) -> Figures:
    def reading(row: str, representation: str, scaling: str | None) -> Reading | None:
        readings = scores[row, representation, scaling or SCALINGS[0]].readings
        return readings[seed] if seed < len(readings) else None

    def metric(row: str, column: str) -> float:
        values = trained[row, column].values if (row, column) in trained else ()
        return values[seed] if seed < len(values) else nan

    return Figures(reading, metric)


def holds(claim: Claim, figures: Figures, control: str) -> bool | None:
    """Whether all conditions of a claim hold; None if a figure is missing."""
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
    """The figure of a condition, of this row and representation or column; nan if it is missing."""
    if condition.figure == METRIC:
        return figures.metric(row, of)
    after = figures.reading(row, of, condition.scaling)
    before = figures.reading(row, control, condition.scaling)
    if after is None or before is None:
        return nan
    return {
        "accuracy": after.accuracy,
        "lost": before.accuracy - after.accuracy,
        "above_chance": after.accuracy - after.chance,
        "removed": share_removed(before, after),
    }[condition.figure]
