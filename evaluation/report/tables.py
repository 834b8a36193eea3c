"""Tables of text for people: one content, written as Markdown, LaTeX or cells of a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

MISSING = "–"

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{character: "\\" + character for character in "{}$&#_%"},
}
_MARKDOWN = {
    **{character: "\\" + character for character in "\\`*_[]~$|"},
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
}


@dataclass(frozen=True)
class Table:
    """Cells of plain text; what writes them escapes them.

    Attributes:
        name: of the files.
        caption: one sentence.
        columns: headings.
        rows: a cell for each column.
        texts: how many of the leading columns are words, aligned left; the others are numbers.

    Raises:
        ValueError: a row has another number of cells.
    """

    name: str
    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    texts: int = 1

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"table {self.name}: {len(row)} cells for {len(self.columns)} columns")

    def markdown(self) -> str:
        """A pipe table of GitHub's Markdown, without the caption."""
        rule = [":--" if i < self.texts else "--:" for i in range(len(self.columns))]
        lines = [[escape_markdown(x) for x in row] for row in (self.columns, *self.rows)]
        return "".join(f"| {' | '.join(line)} |\n" for line in (lines[0], rule, *lines[1:]))

    def latex(self) -> str:
        r"""A `table` for \usepackage{booktabs}, with caption and the label `tab:<name>`."""
        align = "l" * self.texts + "r" * (len(self.columns) - self.texts)
        head, *body = (" & ".join(map(escape_latex, row)) + r" \\" for row in (self.columns, *self.rows))
        lines = [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{escape_latex(self.caption)}}}",
            rf"\label{{tab:{self.name}}}",
            rf"\begin{{tabular}}{{{align}}}",
            r"\toprule",
            head,
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
        return "\n".join(lines) + "\n"


def printable(text: str) -> str:
    """The text in one line: what is no character that one sees becomes a space, or U+FFFD."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in text)


def escape_latex(text: str) -> str:
    """LaTeX that prints the text."""
    return "".join(_LATEX.get(c, c) for c in printable(text))


def escape_markdown(text: str) -> str:
    """Markdown that shows the text, in a cell of a table as well."""
    return "".join(_MARKDOWN.get(c, c) for c in printable(text))


def percent(share: float, digits: int = 1) -> str:
    """A share as `41.3 %`; a dash for nan."""
    return MISSING if isnan(share) else f"{100 * share:.{digits}f} %"


def number(value: float, digits: int = 3) -> str:
    """A number with that many decimals; a dash for nan."""
    return MISSING if isnan(value) else f"{value:.{digits}f}"


def short(value: float) -> str:
    """A number of any size in three significant digits; a dash for nan."""
    return MISSING if isnan(value) else f"{value:.3g}"


def interval(low: float, high: float, digits: int = 1) -> str:
    """The ends of an interval of shares, in percent, as `[39.0, 43.6]`; a dash if one is nan."""
    return MISSING if isnan(low) or isnan(high) else f"[{100 * low:.{digits}f}, {100 * high:.{digits}f}]"


def p_value(p: float) -> str:
    """A p-value as `.032`, `< .001`; a dash for nan."""
    if isnan(p):
        return MISSING
    return "< .001" if p < 0.001 else f"{p:.3f}".removeprefix("0")


def equals(p: float) -> str:
    """A p-value after its letter: `= .032`, `< .001`."""
    text = p_value(p)
    return text if text.startswith("<") else f"= {text}"
