"""What was published: figures, claims and statements, read from a file of data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Row:
    """A line of a published table, and where its figures are measured; all in percent.

    Attributes:
        id: what claims call it.
        task: the heading of the line.
        audit: step whose numbers it is read from.
        chance: as printed, or as the authors count it.
        accuracy: representation -> as printed.
        diff: representation -> the share of what was above chance that is gone (eq. 4.1), as printed.
        attribute: what is read; null for verification.
        attacker: by which classifier; null for verification.
    """

    id: str
    task: str
    audit: str
    chance: float
    accuracy: Mapping[str, float]
    diff: Mapping[str, float]
    attribute: str | None = None
    attacker: str | None = None


@dataclass(frozen=True)
class Condition:
    """A bound on one figure.

    Attributes:
        figure: `accuracy`, `lost` (points below x), `above_chance` (points), or `removed` (eq. 4.1, percent).
        row: the `id` of a row.
        of: representation.
        scaling: `standardised` or `raw` embeddings; null is what was printed, and standardised of ours.
        at_most: bound, as published.
        at_least: bound, as published.
        more_than: representation whose figure is smaller.
    """

    figure: str
    row: str
    of: str
    scaling: str | None = None
    at_most: float | None = None
    at_least: float | None = None
    more_than: str | None = None


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


@dataclass(frozen=True)
class Point:
    """What is read when a share of the features is taken away; figure 4.2.

    Attributes:
        share: percent of the features that are gone.
        accuracy: percent, as published.
        said: the published words.
    """

    share: float
    accuracy: float
    said: str


@dataclass(frozen=True)
class PublishedFigure:
    """A published figure and the figures of an audit that show the same.

    Attributes:
        title: its number and subject.
        audit: step whose figures they are.
        names: of the files in `figures/` of the audit, without ending.
        statement: what was published with it.
        attribute: of the curve that `points` are on.
        points: statements in numbers, on the curve of x.
    """

    title: str
    audit: str
    names: list[str]
    statement: str
    attribute: str | None = None
    points: list[Point] = field(default_factory=list)


@dataclass(frozen=True)
class Published:
    """A page of published results.

    Attributes:
        name: of our files.
        title: heading.
        source: where the numbers are from.
        representations: name in our audits -> name in print; the first is what the others are compared with.
        rows: of the table.
        claims: that the table is to support.
        figures: in place of a table, or beside it.
        notes: what is known to be wrong or missing in print.
    """

    name: str
    title: str
    source: str
    representations: Mapping[str, str]
    rows: list[Row] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    figures: list[PublishedFigure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @classmethod
    def parse(cls, said: Mapping[str, Any]) -> "Published":
        """From what a YAML file says.

        Raises:
            TypeError: a field that does not exist, or lacks; names it.
            ValueError: a claim is about a row or a representation that is not there.
        """
        found = cls(
            **{
                **said,
                "rows": [Row(**row) for row in said.get("rows", [])],
                "claims": [
                    Claim(**{**claim, "conditions": [Condition(**x) for x in claim["conditions"]]})
                    for claim in said.get("claims", [])
                ],
                "figures": [
                    PublishedFigure(**{**figure, "points": [Point(**x) for x in figure.get("points", [])]})
                    for figure in said.get("figures", [])
                ],
            }
        )
        ids = {row.id for row in found.rows}
        for condition in (x for claim in found.claims for x in claim.conditions):
            if condition.row not in ids or condition.of not in found.representations:
                raise ValueError(
                    f"a claim is about {condition.row} of {condition.of}, which is not in the table"
                )
        return found

    @property
    def audits(self) -> list[str]:
        """The steps whose numbers are needed."""
        return list(dict.fromkeys([*(row.audit for row in self.rows), *(x.audit for x in self.figures)]))

    @property
    def control(self) -> str:
        """The representation that the others are compared with."""
        return next(iter(self.representations))
