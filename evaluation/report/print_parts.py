"""Split wide tables into parts that fit on paper."""

from evaluation.report.tables import Table

_ROOM = 104  # characters that fit on a line of A4 in the font of printed tables
_GAP = 2  # characters between columns
_WRAPPED = 14  # characters from which a cell of words is wrapped
_BROKEN = 24  # characters from which a word is broken


def print_parts(table: Table) -> list[Table]:
    """Split a table into parts that fit on paper, each with the leading columns of words; [table] if it fits.

    Columns of numbers keep their order; a part holds one of them at least.
    """
    widths = [_width(table, place) + _GAP for place in range(len(table.columns))]
    keys = list(range(table.texts))
    room = max(_ROOM - sum(widths[: table.texts]), _ROOM // 3)
    parts: list[list[int]] = [[]]
    for place in range(table.texts, len(table.columns)):
        if parts[-1] and sum(widths[i] for i in parts[-1]) + widths[place] > room:
            parts.append([])
        parts[-1].append(place)
    if len(parts) == 1:
        return [table]
    return [_columns(table, keys + part) for part in parts]


def _width(table: Table, place: int) -> int:
    """Estimate the width of a column in characters; headings and cells of words are wrapped."""
    head = max(map(len, table.columns[place].split()), default=0)
    cells = [row[place] for row in table.rows]
    longest = max(map(len, cells), default=0)
    if place >= table.texts:
        return max(head, longest)
    word = max((len(x) for cell in cells for x in cell.split()), default=0)
    return max(head, min(longest, _WRAPPED), min(word, _BROKEN))


def _columns(table: Table, places: list[int]) -> Table:
    rows = [[row[i] for i in places] for row in table.rows]
    return Table(table.name, table.caption, [table.columns[i] for i in places], rows, table.texts)
