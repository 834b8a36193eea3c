"""Published results: figures, claims and statements, read from a YAML file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evaluation.reproduction.audit_table import AuditTable
from evaluation.reproduction.conditions import METRIC, Claim, Condition
from evaluation.reproduction.metric_table import MetricTable
from storage.path_names import file_name


@dataclass(frozen=True)
class Row:
    """A row of a published table, and the audit that measures it; all in percent.

    Attributes:
        id: name of the row in claims.
        task: heading of the row.
        audit: step whose numbers are used.
        chance: chance level as printed, or as the authors define it.
        accuracy: representation -> printed accuracy.
        diff: representation -> printed leakage reduction (eq. 4.1).
        attribute: attribute that is predicted; null for verification.
        attacker: classifier that predicts it; null for verification.
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
class Point:
    """A published accuracy after a share of the features was removed; figure 4.2.

    Attributes:
        share: percentage of removed features.
        accuracy: published accuracy in percent.
        said: the published statement.
    """

    share: float
    accuracy: float
    said: str


@dataclass(frozen=True)
class PublishedFigure:
    """A published figure and the figures of an audit that show the same.

    Attributes:
        title: its number and subject.
        audit: step of the audit.
        names: names of the files in `figures/` of the audit, without suffix.
        statement: published statement on the figure.
        attribute: attribute of the curve that `points` lie on.
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
        name: name of our files.
        title: heading.
        source: source of the numbers.
        ours: true if nothing was published.
        representations: name in our audits -> name in print; the others are compared with the first.
        rows: rows of the table that audits measure.
        metrics: tables that trainings measure.
        claims: claims to check.
        figures: figures instead of a table, or beside it.
        tables: tables of results that only audits have.
        notes: known errors and gaps in print.
    """

    name: str
    title: str
    source: str
    ours: bool = False
    representations: Mapping[str, str] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    metrics: list[MetricTable] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    figures: list[PublishedFigure] = field(default_factory=list)
    tables: list[AuditTable] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @classmethod
    def parse(cls, content: Mapping[str, Any]) -> "Published":
        """Make the page from the content of a YAML file.

        Raises:
            TypeError: a field that does not exist or is missing; names it.
            ValueError: a claim about a figure that does not exist, or two rows with one id.
        """
        found = cls(
            **{
                **content,
                "rows": [Row(**row) for row in content.get("rows", [])],
                "metrics": [MetricTable.parse(table) for table in content.get("metrics", [])],
                "claims": [
                    Claim(**{**claim, "conditions": [Condition(**x) for x in claim["conditions"]]})
                    for claim in content.get("claims", [])
                ],
                "figures": [
                    PublishedFigure(**{**figure, "points": [Point(**x) for x in figure.get("points", [])]})
                    for figure in content.get("figures", [])
                ],
                "tables": [AuditTable(**table) for table in content.get("tables", [])],
            }
        )
        found.check()
        return found

    def check(self) -> None:
        """Raise a ValueError for an invalid file name, two rows with one id, or a claim about no figure."""
        for name in (self.name, *(name for figure in self.figures for name in figure.names)):
            file_name(str(name))
        ids = [row.id for row in self.rows] + [row.id for table in self.metrics for row in table.rows]
        if twice := next((x for x in ids if ids.count(x) > 1), None):
            raise ValueError(f"two rows have the id {twice}")
        audited = {(row.id, name) for row in self.rows for name in self.representations}
        trained = {(row.id, column) for table in self.metrics for row, column, _ in table.cells()}
        for condition in (x for claim in self.claims for x in claim.conditions):
            there = trained if condition.figure == METRIC else audited
            for row, of in filter(None, ((condition.row, condition.of), condition.rival)):
                if (row, of) not in there:
                    raise ValueError(f"a claim is about {row} of {of}, which is not in the table")

    @property
    def audits(self) -> list[str]:
        """Audits whose numbers are needed."""
        shown = (
            [x.audit for x in self.rows] + [x.audit for x in self.figures] + [x.audit for x in self.tables]
        )
        return list(dict.fromkeys(shown))

    @property
    def trainings(self) -> list[str]:
        """Trainings whose results are needed."""
        steps = (step for table in self.metrics for _, _, step in table.cells())
        return list(dict.fromkeys(step for step in steps if step is not None))

    @property
    def steps(self) -> list[str]:
        """Steps whose results the page shows."""
        return [*self.audits, *self.trainings]

    @property
    def control(self) -> str:
        """Representation that the others are compared with; empty if there is none."""
        return next(iter(self.representations), "")
