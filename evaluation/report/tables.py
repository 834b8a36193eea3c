"""Tables of text for people: one content, written as Markdown, LaTeX or cells of a page."""

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.samples.wording import printable

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


def escape_latex(text: str) -> str:
    """LaTeX that prints the text."""
    return "".join(_LATEX.get(c, c) for c in printable(text))


def escape_markdown(text: str) -> str:
    """Markdown that shows the text, in a cell of a table as well."""
    return "".join(_MARKDOWN.get(c, c) for c in printable(text))
