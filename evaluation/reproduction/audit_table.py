"""Tables of a page that show what audits measured, without anything published beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class AuditTable:
    """Some rows and columns of a section of an audit's numbers, over the seeds.

    Attributes:
        title: what the table shows.
        audit: the step.
        section: of its `numbers.json`, such as `leakage`.
        by: columns whose values name a line; the first is mostly `representation`.
        columns: column -> heading.
        where: column -> the value that rows have.
        largest: of the rows of one line only that with the largest value of this column counts (the strongest
            attacker, say); null where each line has one row.
        factor: that the columns are multiplied by; 100 makes percent of a share.
        digits: behind the point.
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
