"""Published claims, as bounds on figures."""

from dataclasses import dataclass

METRIC = "metric"
"""What a condition about a training's metric calls its figure."""


@dataclass(frozen=True)
class Condition:
    """A bound on one figure.

    Attributes:
        figure: `accuracy`, `lost` (points below x), `above_chance` (points), or `removed` (eq. 4.1, percent)
            of an audit; or `metric` of trainings.
        row: the `id` of a row.
        of: representation; of a `metric`, the column.
        scaling: `standardised` or `raw` embeddings; null is what was printed, and standardised of ours.
        at_most: bound, as published.
        at_least: bound, as published.
        more_than: representation or column whose figure is smaller.
        more_than_row: the `id` of a row whose figure is smaller.
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
        """Row and representation, or column, whose figure is to be smaller."""
        if self.more_than is None and self.more_than_row is None:
            return None
        return self.more_than_row or self.row, self.more_than or self.of


@dataclass(frozen=True)
class Claim:
    """A published sentence that figures can confirm or refute.

    Attributes:
        text: the sentence, in our words.
        source: where it is from.
        conditions: all hold if it does.
    """

    text: str
    source: str
    conditions: list[Condition]
