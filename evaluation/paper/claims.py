"""Whether published claims hold: by the published figures themselves, and by ours."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isnan

from evaluation.paper.measured import SCALINGS, Scores
from evaluation.paper.published import Claim, Condition, Published
from evaluation.probes import removed

Lookup = Callable[[str, str, str | None], tuple[float, float] | None]
"""(row, representation, scaling) -> accuracy and chance in percent, or None where there is no such figure."""


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


def judge(published: Published, scores: Scores) -> list[Finding]:
    """Every claim, by the published figures and by ours."""
    rows = {row.id: row for row in published.rows}

    def printed(row: str, representation: str, scaling: str | None) -> tuple[float, float] | None:
        accuracy = rows[row].accuracy.get(representation)
        return None if scaling or accuracy is None else (accuracy, rows[row].chance)

    seeds = max((len(score.readings) for score in scores.values()), default=0)
    found = []
    for claim in published.claims:
        by_seed = [holds(claim, _of_seed(scores, seed), published.control) for seed in range(seeds)]
        known = [x for x in by_seed if x is not None]
        found.append(
            Finding(claim, holds(claim, printed, published.control), known if len(known) == seeds else [])
        )
    return found


def _of_seed(scores: Scores, seed: int) -> Lookup:
    def lookup(row: str, representation: str, scaling: str | None) -> tuple[float, float] | None:
        readings = scores[row, representation, scaling or SCALINGS[0]].readings
        return (readings[seed].accuracy, readings[seed].chance) if seed < len(readings) else None

    return lookup


def holds(claim: Claim, lookup: Lookup, control: str) -> bool | None:
    """Whether all conditions of a claim hold; None if a figure is missing."""
    results = [_holds(condition, lookup, control) for condition in claim.conditions]
    return None if None in results else all(results)


def _holds(condition: Condition, lookup: Lookup, control: str) -> bool | None:
    value = _value(condition, condition.of, lookup, control)
    if value is None:
        return None
    if condition.more_than is not None:
        other = _value(condition, condition.more_than, lookup, control)
        return None if other is None else value > other
    low = condition.at_least is None or value >= condition.at_least
    return low and (condition.at_most is None or value <= condition.at_most)


def _value(condition: Condition, representation: str, lookup: Lookup, control: str) -> float | None:
    found = lookup(condition.row, representation, condition.scaling)
    before = lookup(condition.row, control, condition.scaling)
    if found is None or before is None:
        return None
    accuracy, chance = found
    value = {
        "accuracy": accuracy,
        "lost": before[0] - accuracy,
        "above_chance": accuracy - chance,
        "removed": removed(before[0], accuracy, chance),
    }[condition.figure]
    return None if isnan(value) else value
