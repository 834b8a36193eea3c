"""Our figures for published rows, from the numbers of audits, one audit for each seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan, sqrt
from typing import Any

import pandas as pd

from evaluation.leakage.reduction import leakage_reduction
from evaluation.reproduction.published import Row

SCALINGS = ("standardised", "raw")

_PAIR_CHANCE = 50.0  # of genuine against impostor pairs

Numbers = Mapping[str, Any]
"""Numbers of an audit, see `report.page.numbers`."""


@dataclass(frozen=True)
class Measurement:
    """One figure of one seed, in percent.

    Attributes:
        accuracy: balanced accuracy of a classifier, or accuracy of verification.
        low: lower end of its 95 % interval over subjects; nan if there is none.
        high: upper end of that interval.
        chance: chance level.
        n: number of samples or pairs.
        measure: name of the measure.
    """

    accuracy: float
    low: float
    high: float
    chance: float
    n: int
    measure: str


def find_measurement(numbers: Numbers, row: Row, representation: str, scaling: str) -> Measurement | None:
    """Find the figure of a row; None if the audit has not measured it (verification has no raw figure)."""
    if row.attribute is None:
        return _verification(numbers, representation) if scaling == SCALINGS[0] else None
    about = {"attribute": row.attribute, "attacker": row.attacker}
    found = _rows(numbers, "leakage", representation=representation, scaling=scaling, **about)
    if found.empty:
        return None
    x = found.iloc[0]
    return Measurement(
        100 * x["balanced_accuracy"],
        100 * x["low"],
        100 * x["high"],
        100 * x["chance"],
        int(x["n"]),
        "balanced accuracy",
    )


def measured_reduction(before: Measurement, after: Measurement) -> float:
    """Compute the leakage reduction from the control in percent, see `leakage_reduction`."""
    return leakage_reduction(
        before.accuracy / 100, after.accuracy / 100, after.chance / 100, before.low / 100
    )


def _verification(numbers: Numbers, representation: str) -> Measurement | None:
    """Find the accuracy on the pairs of View 1 or, without them, at the threshold of equal errors."""
    view1 = _rows(numbers, "lfw_view1", representation=representation, metric="euclidean")
    if not view1.empty:
        x = view1.iloc[0]
        return Measurement(
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
    return Measurement(
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
        readings: one measurement for each seed; none if it was not measured.
        removed: percent of what was above chance in the control that is gone (eq. 4.1), one a seed, nan where
            the control is at chance; empty of the control itself.
        lost: points below the control, one a seed.
    """

    readings: Sequence[Measurement]
    removed: Sequence[float] = ()
    lost: Sequence[float] = ()

    @property
    def accuracy(self) -> float:
        """Mean accuracy over the seeds."""
        return mean([x.accuracy for x in self.readings])

    @property
    def interval(self) -> tuple[float, float]:
        """Means of the ends of the seeds' intervals over subjects."""
        return mean([x.low for x in self.readings]), mean([x.high for x in self.readings])

    @property
    def spread(self) -> float:
        """Standard deviation over the seeds; nan for fewer than two."""
        return deviation([x.accuracy for x in self.readings])


Scores = Mapping[tuple[str, str, str], Score]
"""(row, representation, scaling) -> score."""


def score_rows(
    rows: Sequence[Row], representations: Sequence[str], audits: Mapping[str, Sequence[Numbers]]
) -> dict[tuple[str, str, str], Score]:
    """Collect every figure of a table.

    Args:
        rows: rows of the table.
        representations: names in the audits; the first is the control.
        audits: step -> its numbers, one for each seed, in the same order of the seeds.
    """
    control = next(iter(representations), "")
    scores = {}
    for row in rows:
        for scaling in SCALINGS:
            found = {
                name: [find_measurement(numbers, row, name, scaling) for numbers in audits[row.audit]]
                for name in representations
            }
            for name, seeds in found.items():
                pairs = [(b, a) for b, a in zip(found[control], seeds, strict=True) if a and b]
                readings = [x for x in seeds if x]
                if name == control:
                    scores[row.id, name, scaling] = Score(readings)
                    continue
                gone = [measured_reduction(b, a) for b, a in pairs]
                lost = [b.accuracy - a.accuracy for b, a in pairs]
                scores[row.id, name, scaling] = Score(readings, gone, lost)
    return scores


def mean(values: Sequence[float]) -> float:
    """Compute the mean; nan without values."""
    return sum(values) / len(values) if values else nan


def deviation(values: Sequence[float]) -> float:
    """Compute the standard deviation of a sample; nan for fewer than two values."""
    if len(values) < 2:
        return nan
    centre = mean(values)
    return sqrt(sum((x - centre) ** 2 for x in values) / (len(values) - 1))
