"""Published claims, as bounds on figures."""

from dataclasses import dataclass

METRIC = "metric"
"""Figure of a condition about a metric of a training."""


@dataclass(frozen=True)
class Condition:
    """A bound on one figure.

    Attributes:
        figure: `accuracy`, `lost` (points below x), `above_chance` (points), or `removed` (eq. 4.1, percent)
            of an audit; or `metric` of trainings.
        row: `id` of a row.
        of: representation; the column for a `metric`.
        scaling: `standardised` or `raw` embeddings; null takes the printed figure, and our standardised one.
        at_most: upper bound, as published.
        at_least: lower bound, as published.
        more_than: representation or column whose figure is smaller.
        more_than_row: `id` of a row whose figure is smaller.
    """

    figure: str
    row: str
    of: str
    scaling: str | None = None
    at_most: float | None = None
    at_least: float | None = None
    more_than: str | None = None
    more_than_row: str | None = None

    @property
    def rival(self) -> tuple[str, str] | None:
        """Row and representation, or column, whose figure should be smaller."""
        if self.more_than is None and self.more_than_row is None:
            return None
        return self.more_than_row or self.row, self.more_than or self.of


@dataclass(frozen=True)
class Claim:
    """A published sentence that figures can confirm or refute.

    Attributes:
        text: the sentence, in our words.
        source: its source.
        conditions: conditions that all hold if the claim does.
    """

    text: str
    source: str
    conditions: list[Condition]
