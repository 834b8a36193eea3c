"""Published tables whose figures are metrics of trainings, read from a file of data."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Column:
    """What a column shows: a metric that a training leaves in its `results.json`.

    Attributes:
        title: heading.
        metric: its name there; `|` separates names where data differ in what they call a class.
        minus: a metric that is taken from it, such as the rate of another group; null takes nothing.
        factor: that the difference is multiplied by; 100 makes percent of a share.
    """

    title: str
    metric: str
    minus: str | None = None
    factor: float = 100


@dataclass(frozen=True)
class MetricRow:
    """A line of a table.

    Attributes:
        id: what claims call it.
        title: what people read.
        step: the training, or one for each column that ours has; null shows what was published alone.
        published: column -> as printed, in the units of the column; what was not printed is left out.
    """

    id: str
    title: str
    step: str | Mapping[str, str] | None = None
    published: Mapping[str, float] = field(default_factory=dict)

    def step_of(self, column: str) -> str | None:
        """The training that a cell is read from."""
        if isinstance(self.step, Mapping):
            return self.step.get(column)
        return self.step


@dataclass(frozen=True)
class MetricTable:
    """A published table of metrics.

    Attributes:
        title: heading.
        columns: id -> column.
        rows: in the order of print.
        caption: what people have to know to read it.
    """

    title: str
    columns: Mapping[str, Column]
    rows: list[MetricRow]
    caption: str = ""

    @classmethod
    def parse(cls, said: Mapping[str, Any]) -> "MetricTable":
        """From what a YAML file says.

        Raises:
            TypeError: a field that does not exist, or lacks; names it.
            ValueError: a row is about a column that is not there.
        """
        columns = {name: Column(**column) for name, column in said["columns"].items()}
        table = cls(**{**said, "columns": columns, "rows": [MetricRow(**row) for row in said["rows"]]})
        for row in table.rows:
            steps = row.step if isinstance(row.step, Mapping) else {}
            if strange := sorted({*row.published, *steps} - columns.keys()):
                raise ValueError(f"row {row.id}: no column {strange[0]!r}; there are {', '.join(columns)}")
        return table

    def cells(self) -> Iterator[tuple[MetricRow, str, str | None]]:
        """Every row and column with the training that it is read from."""
        return ((row, column, row.step_of(column)) for row in self.rows for column in self.columns)
