"""Print the summary of an audit: a table that fits a terminal, the verdicts, and the warnings."""

from itertools import groupby

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from evaluation.audit.access_verdict import access_sentence
from evaluation.audit.result import Audit
from evaluation.audit.verification_verdict import verification_verdicts
from evaluation.report.result_tables import summary_table
from evaluation.report.verdict_cards import caveat_groups


def print_summary(audit: Audit, console: Console) -> None:
    """Print the table, one part for each attribute, each verdict with its warnings, and the general ones.

    Text from the data is printed as it is, not as markup.
    """
    if audit.attributes:
        _print_table(audit, console)
    printed = []
    for verdict in audit.verdicts:
        console.print(Text(verdict.sentence))
        for caveat in audit.caveats_about(verdict.attribute, verdict.representation):
            console.print(Text(f"  warning: {caveat.text}"))
            printed.append(caveat)
        access = access_sentence(audit, verdict.attribute, verdict.representation)
        console.print(Text(f"  {access}"))
    for sentence in verification_verdicts(audit) if not audit.attributes else ():
        console.print(Text(sentence))
    general = [x for x in audit.caveats if x.attribute is None or x.representation is None]
    general = [x for x in general if x not in printed]
    for group in caveat_groups(general):
        about = f" ({group.about})" if group.about else ""
        for lead, text in group.items:
            console.print(Text(f"warning{about}: {': '.join(filter(None, (lead, text)))}"))


def _print_table(audit: Audit, console: Console) -> None:
    table = summary_table(audit)
    shared = [table.columns.index(name) for name in ("attribute", "chance")]  # the same in all rows of a part
    shown = [place for place in range(len(table.columns)) if place not in shared]
    console.print(Text(table.caption))
    for (attribute, chance), rows in groupby(table.rows, lambda row: [row[place] for place in shared]):
        title = Text(f"{attribute} (chance {chance})")
        printed = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for place in shown:
            if place < table.texts:
                printed.add_column(table.columns[place], overflow="fold")
            else:
                printed.add_column(table.columns[place], justify="right", no_wrap=True)
        for row in rows:
            printed.add_row(*(Text(row[place]) for place in shown))
        console.print(printed)
