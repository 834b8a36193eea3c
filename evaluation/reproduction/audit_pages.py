"""Tables over the seeds of results that only audits have."""

from collections.abc import Sequence

import pandas as pd

from evaluation.report.tables import Table
from evaluation.reproduction.audit_table import AuditTable
from evaluation.reproduction.measured import Numbers
from evaluation.reproduction.tables import spread


def audit_table(name: str, table: AuditTable, audits: Sequence[Numbers]) -> Table | None:
    """Make a row for each value of `by`, in the order of the first audit; None if no audit measured it.

    Args:
        name: name of the table.
        table: rows and columns to show.
        audits: numbers of the audits, one for each seed.
    """
    frames = [_chosen(table, numbers) for numbers in audits]
    both = pd.concat([frame.assign(seed=place) for place, frame in enumerate(frames)])
    if both.empty:
        return None
    rows = []
    for key, group in both.groupby(table.by, sort=False):
        values = [(group[column].dropna() * table.factor).tolist() for column in table.columns]
        cells = [spread(x, table.digits) for x in values]
        rows.append([*map(str, key), *cells, str(group["seed"].nunique())])
    caption = f"{table.title}: mean ± standard deviation of the seeds."
    return Table(name, caption, (*table.by, *table.columns.values(), "seeds"), rows, texts=len(table.by))


def _chosen(table: AuditTable, numbers: Numbers) -> pd.DataFrame:
    """Select the rows and columns of one audit."""
    wanted = [*table.by, *table.columns]
    frame = pd.DataFrame(numbers["sections"].get(table.section, {}))
    if not {*wanted, *table.where, *filter(None, [table.largest])} <= {*frame.columns}:
        return pd.DataFrame(columns=wanted)
    for column, value in table.where.items():
        frame = frame[frame[column] == value]
    if table.largest:
        frame = frame.sort_values(table.largest, ascending=False, kind="stable").drop_duplicates(table.by)
        frame = frame.sort_index()
    return frame[wanted]
