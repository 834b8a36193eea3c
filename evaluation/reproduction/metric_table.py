"""Description of published tables of metrics, read from a YAML file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Column:
    """A column of a metric in the `results.json` of a training.

    Attributes:
        title: heading.
        metric: its name there; `|` separates alternatives for data that name a class differently.
        minus: a metric to subtract, such as the rate of another group; null subtracts nothing.
        factor: factor of the difference; 100 converts a share to percent.
    """

    title: str
    metric: str
    minus: str | None = None
    factor: float = 100


@dataclass(frozen=True)
class MetricRow:
    """A row of a table.

    Attributes:
        id: name of the row in claims.
        title: heading of the row.
        step: the training, or one for each column that we measured; null shows the published values alone.
        published: column -> printed value, in the units of the column; without those that were not printed.
    """

    id: str
    title: str
    step: str | Mapping[str, str] | None = None
    published: Mapping[str, float] = field(default_factory=dict)

    def step_of(self, column: str) -> str | None:
        """Return the training that a cell comes from."""
        if isinstance(self.step, Mapping):
            return self.step.get(column)
        return self.step


@dataclass(frozen=True)
class MetricTable:
    """A published table of metrics.

    Attributes:
        title: heading.
        columns: id -> column.
        rows: rows in the printed order.
        caption: explanation for readers.
    """

    title: str
    columns: Mapping[str, Column]
    rows: list[MetricRow]
    caption: str = ""

    @classmethod
    def parse(cls, content: Mapping[str, Any]) -> "MetricTable":
        """Make the table from the content of a YAML file.

        Raises:
            TypeError: a field that does not exist or is missing; names it.
            ValueError: a row refers to a column that does not exist.
        """
        columns = {name: Column(**column) for name, column in content["columns"].items()}
        table = cls(**{**content, "columns": columns, "rows": [MetricRow(**row) for row in content["rows"]]})
        for row in table.rows:
            steps = row.step if isinstance(row.step, Mapping) else {}
            if strange := sorted({*row.published, *steps} - columns.keys()):
                raise ValueError(f"row {row.id}: no column {strange[0]!r}; there are {', '.join(columns)}")
        return table

    def cells(self) -> Iterator[tuple[MetricRow, str, str | None]]:
        """Iterate over all rows and columns, with the training that each cell comes from."""
        return ((row, column, row.step_of(column)) for row in self.rows for column in self.columns)
