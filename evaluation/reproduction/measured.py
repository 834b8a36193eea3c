"""Ours: the figures of published rows, read from the numbers of audits, one audit a seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan, sqrt
from typing import Any

import pandas as pd

from evaluation.leakage.held_out import removed
from evaluation.reproduction.published import Row

SCALINGS = ("standardised", "raw")

_PAIR_CHANCE = 50.0  # of one person or two

Numbers = Mapping[str, Any]
"""What `report.page.numbers` makes of an audit."""


@dataclass(frozen=True)
class Reading:
    """One figure of one seed, in percent.

    Attributes:
        accuracy: balanced accuracy of a classifier, or accuracy of verification.
        low: of its 95 % interval over people; nan if there is none.
        high: of that interval.
        chance: of guessing.
        n: samples, or pairs, that it is of.
        measure: what it is, in words.
    """

    accuracy: float
    low: float
    high: float
    chance: float
    n: int
    measure: str


def read(numbers: Numbers, row: Row, representation: str, scaling: str) -> Reading | None:
    """The figure of a row, or None if the audit has not measured it (verification has no raw figure)."""
    if row.attribute is None:
        return _verification(numbers, representation) if scaling == SCALINGS[0] else None
    about = {"attribute": row.attribute, "attacker": row.attacker}
    found = _rows(numbers, "leakage", representation=representation, scaling=scaling, **about)
    if found.empty:
        return None
    x = found.iloc[0]
    return Reading(
        100 * x["balanced_accuracy"],
        100 * x["low"],
        100 * x["high"],
        100 * x["chance"],
        int(x["n"]),
        "balanced accuracy",
    )


def share_removed(before: Reading, after: Reading) -> float:
    """Percent of what was above chance in the control that is gone, see `held_out.removed`."""
    return removed(before.accuracy / 100, after.accuracy / 100, after.chance / 100, before.low / 100)


def _verification(numbers: Numbers, representation: str) -> Reading | None:
    """Accuracy on the pairs of View 1 or, where there are none, at the threshold of equal errors."""
    view1 = _rows(numbers, "lfw_view1", representation=representation, metric="euclidean")
    if not view1.empty:
        x = view1.iloc[0]
        return Reading(
            100 * x["accuracy"],
            100 * x["low"],
            100 * x["high"],
            _PAIR_CHANCE,
            int(x["pairs"]),
            "LFW View 1" if x["official"] else "pairs in LFW's format",
        )
    found = _rows(numbers, "verification", representation=representation, metric="euclidean")
    if found.empty:
        return None
    x = found.iloc[0]
    return Reading(
        100 * (1 - x["eer"]),
        100 * (1 - x["eer_high"]),
        100 * (1 - x["eer_low"]),
        _PAIR_CHANCE,
        int(x["genuine"] + x["impostor"]),
        "1 - EER over all pairs",
    )


def _rows(numbers: Numbers, section: str, **where: Any) -> pd.DataFrame:
    frame = pd.DataFrame(numbers["sections"].get(section, {}))
    for column, value in where.items():
        if column not in frame:
            return pd.DataFrame()
        frame = frame[frame[column] == value]
    return frame


@dataclass(frozen=True)
class Score:
    """A figure over the seeds, in percent.

    Attributes:
        readings: one a seed; none if it was not measured.
        removed: percent of what was above chance in the control that is gone (eq. 4.1), one a seed, nan where
            the control is at chance; empty of the control itself.
        lost: points below the control, one a seed.
    """

    readings: Sequence[Reading]
    removed: Sequence[float] = ()
    lost: Sequence[float] = ()

    @property
    def accuracy(self) -> float:
        """Mean over the seeds."""
        return mean([x.accuracy for x in self.readings])

    @property
    def interval(self) -> tuple[float, float]:
        """Means of the ends of the seeds' intervals over people."""
        return mean([x.low for x in self.readings]), mean([x.high for x in self.readings])

    @property
    def spread(self) -> float:
        """Standard deviation over the seeds; nan of fewer than two."""
        return deviation([x.accuracy for x in self.readings])


Scores = Mapping[tuple[str, str, str], Score]
"""(row, representation, scaling) -> what was measured."""


def score_rows(
    rows: Sequence[Row], representations: Sequence[str], audits: Mapping[str, Sequence[Numbers]]
) -> dict[tuple[str, str, str], Score]:
    """Every figure of a table.

    Args:
        rows: what is asked for.
        representations: names in the audits; the first is the control.
        audits: step -> its numbers, one a seed, the seeds in one order.
    """
    control = next(iter(representations), "")
    scores = {}
    for row in rows:
        for scaling in SCALINGS:
            found = {
                name: [read(numbers, row, name, scaling) for numbers in audits[row.audit]]
                for name in representations
            }
            for name, seeds in found.items():
                pairs = [(b, a) for b, a in zip(found[control], seeds, strict=True) if a and b]
                readings = [x for x in seeds if x]
                if name == control:
                    scores[row.id, name, scaling] = Score(readings)
                    continue
                gone = [share_removed(b, a) for b, a in pairs]
                lost = [b.accuracy - a.accuracy for b, a in pairs]
                scores[row.id, name, scaling] = Score(readings, gone, lost)
    return scores


def mean(values: Sequence[float]) -> float:
    """Mean; nan of none."""
    return sum(values) / len(values) if values else nan


def deviation(values: Sequence[float]) -> float:
    """Standard deviation of a sample; nan of fewer than two."""
    if len(values) < 2:
        return nan
    centre = mean(values)
    return sqrt(sum((x - centre) ** 2 for x in values) / (len(values) - 1))
