"""Tables of text, written as Markdown, LaTeX or cells of a page.

By hand and not by pandas' Styler: its cells come from data (names of classes and representations), and Styler
escapes LaTeX but not Markdown, for which `DataFrame.to_markdown` (tabulate) escapes nothing. With both
formats and control characters to handle, a table of texts is shorter than the code that would prepare a
Styler.
"""

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
    """A table of plain text, which is escaped when it is written.

    Attributes:
        name: name of the files.
        caption: one sentence.
        columns: headings.
        rows: a cell for each column.
        texts: number of leading columns with words, aligned left; the others hold numbers.

    Raises:
        ValueError: a row with another number of cells.
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
        """Write a pipe table of GitHub's Markdown, without the caption."""
        rule = [":--" if i < self.texts else "--:" for i in range(len(self.columns))]
        lines = [[escape_markdown(x) for x in row] for row in (self.columns, *self.rows)]
        return "".join(f"| {' | '.join(line)} |\n" for line in (lines[0], rule, *lines[1:]))

    def latex(self) -> str:
        r"""Write a `table` for \usepackage{booktabs}, with caption and the label `tab:<name>`."""
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
    """Escape text for LaTeX."""
    return "".join(_LATEX.get(c, c) for c in printable(text))


def escape_markdown(text: str) -> str:
    """Escape text for Markdown, cells of tables included."""
    return "".join(_MARKDOWN.get(c, c) for c in printable(text))
