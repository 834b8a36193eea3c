"""Typography of the page, and the parts of tables for paper."""

import pytest

from evaluation.report.print_parts import print_parts
from evaluation.report.tables import Table
from evaluation.report.typography import typographic


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("AUC .9911 -> .9934", "AUC .9911 → .9934"),
        ("[-20.0, -1.0]", "[−20.0, −1.0]"),
        ("-.5 and -3.2 %", "−.5 and −3.2 %"),
        ("TAR at FMR 1e-4", "TAR at FMR 10⁻⁴"),
        ("2026-11-30 lntl-0.1 RBF-SVM a->b 1e-08", "2026-11-30 lntl-0.1 RBF-SVM a->b 1e-08"),
    ],
)
def test_arrows_and_minus_signs_but_no_names_and_dates(text, shown):
    assert typographic(text) == shown


def _table(columns: int, texts: int = 1, cell: str = "[12.3, 45.6]") -> Table:
    names = [f"c{i}" for i in range(columns)]
    return Table("t", "T.", names, [[f"{cell}{i}" for i in range(columns)]] * 3, texts)


def test_a_table_that_fits_stays_whole():
    table = _table(5)
    assert print_parts(table) == [table]


def test_a_wide_table_is_split_and_every_part_has_the_names():
    table = _table(20, texts=2)
    parts = print_parts(table)
    assert len(parts) > 2
    assert [name for part in parts for name in part.columns[2:]] == list(table.columns[2:])
    for part in parts:
        assert part.columns[:2] == list(table.columns[:2])
        assert part.rows[0] == [table.rows[0][table.columns.index(name)] for name in part.columns]


def test_a_part_has_a_number_whatever_its_width():
    parts = print_parts(_table(3, cell="x" * 300))
    assert [len(part.columns) for part in parts] == [2, 2]
