"""Description of a table that shows results of audits, without published ones beside them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class AuditTable:
    """Rows and columns of a section of an audit's numbers, over the seeds.

    Attributes:
        title: title of the table.
        audit: step of the audit.
        section: section of its `numbers.json`, such as `leakage`.
        by: columns whose values name a line; the first is usually `representation`.
        columns: column -> heading.
        where: column -> value that selects rows.
        largest: of several rows for a line, the one with the largest value of this column counts (such as the
            strongest attacker); null if each line has one row.
        factor: factor of the columns; 100 converts a share to percent.
        digits: number of decimals.
    """

    title: str
    audit: str
    section: str
    by: list[str]
    columns: Mapping[str, str]
    where: Mapping[str, Any] = field(default_factory=dict)
    largest: str | None = None
    factor: float = 1
    digits: int = 4
