"""What was published: figures, claims and statements, read from a file of data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evaluation.reproduction.audit_table import AuditTable
from evaluation.reproduction.conditions import METRIC, Claim, Condition
from evaluation.reproduction.metric_table import MetricTable
from storage.path_names import file_name


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
        ours: nothing was published of it.
        representations: name in our audits -> name in print; the first is what the others are compared with.
        rows: of the table that audits fill.
        metrics: tables that trainings fill.
        claims: that the tables are to support.
        figures: in place of a table, or beside it.
        tables: of what audits measured alone.
        notes: what is known to be wrong or missing in print.
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
    def parse(cls, said: Mapping[str, Any]) -> "Published":
        """From what a YAML file says.

        Raises:
            TypeError: a field that does not exist, or lacks; names it.
            ValueError: a claim is about a figure that is not there, or two rows have one id.
        """
        found = cls(
            **{
                **said,
                "rows": [Row(**row) for row in said.get("rows", [])],
                "metrics": [MetricTable.parse(table) for table in said.get("metrics", [])],
                "claims": [
                    Claim(**{**claim, "conditions": [Condition(**x) for x in claim["conditions"]]})
                    for claim in said.get("claims", [])
                ],
                "figures": [
                    PublishedFigure(**{**figure, "points": [Point(**x) for x in figure.get("points", [])]})
                    for figure in said.get("figures", [])
                ],
                "tables": [AuditTable(**table) for table in said.get("tables", [])],
            }
        )
        found.check()
        return found

    def check(self) -> None:
        """Raise a ValueError for a name that is no file's, two rows of one id, a claim about no figure."""
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
        """The audits whose numbers are needed."""
        shown = (
            [x.audit for x in self.rows] + [x.audit for x in self.figures] + [x.audit for x in self.tables]
        )
        return list(dict.fromkeys(shown))

    @property
    def trainings(self) -> list[str]:
        """The trainings whose results are needed."""
        steps = (step for table in self.metrics for _, _, step in table.cells())
        return list(dict.fromkeys(step for step in steps if step is not None))

    @property
    def steps(self) -> list[str]:
        """All steps whose outcome the page shows."""
        return [*self.audits, *self.trainings]

    @property
    def control(self) -> str:
        """The representation that the others are compared with; empty without any."""
        return next(iter(self.representations), "")
