"""Where the table of what probes read goes when a test ends."""

from typing import NamedTuple

import pandas as pd
from pytorch_lightning import Trainer
from rich.console import Console
from rich.table import Table

from callbacks.support.report_files import log_table, report_folder, write_table
from evaluation.leakage.accuracies import strongest
from evaluation.leakage.reduction import leakage_reduction


def write_leakage(trainer: Trainer, table: pd.DataFrame) -> None:
    """Write `<log_dir>/leakage.csv`, and the same to W&B; every rank has to call this, rank zero writes.

    Without a logger there is no place for it and none is written.

    Args:
        trainer: its loggers say where to.
        table: rows of `held_out_leakage` with the columns `attribute` and `representation` (before, after).
    """
    folder = report_folder(trainer)
    if folder is not None:
        write_table(folder, "leakage", table)
        log_table(trainer, "test/leakage", table)


class Verdict(NamedTuple):
    """The strongest probes of an attribute, rows of `held_out_leakage`, and what lies between them."""

    after: pd.Series
    before: pd.Series | None
    """None where only a checkpoint was tested."""
    removed: float
    """Percent, see `evaluation.leakage.reduction.leakage_reduction`; nan without a before, or of the task."""


def verdicts(table: pd.DataFrame, kept: str | None = None) -> dict[str, Verdict]:
    """Attribute -> what its strongest probes say.

    Args:
        table: as for `write_leakage`.
        kept: the attribute that the model learns, from which nothing is meant to be removed.
    """
    found = {}
    for attribute, rows in table.groupby("attribute", sort=False):
        best = {of: strongest(part) for of, part in rows.groupby("representation")}
        after, before = best["after"], best.get("before")
        share = float("nan")
        if before is not None and attribute != kept:
            was, now = before["balanced_accuracy"], after["balanced_accuracy"]
            share = leakage_reduction(was, now, after["chance"], before["low"])
        found[str(attribute)] = Verdict(after, before, share)
    return found


def print_leakage(table: pd.DataFrame, kept: str | None = None) -> None:
    """Print for each attribute what the strongest probe read before and after, and how much was removed."""
    printed = Table(
        title="What the strongest probe reads (test)",
        caption="Balanced accuracy and its 95 % interval. The probes learned from the validation split.",
    )
    for name in ("attribute", "chance", "before", "after", "removed"):
        printed.add_column(name, justify="left" if name == "attribute" else "right")
    for attribute, (after, before, share) in verdicts(table, kept).items():
        gone = f"{share:.1f} %" if share == share else "- (task)" if attribute == kept else "-"  # nan
        printed.add_row(attribute, f"{after['chance']:.3f}", _cell(before), _cell(after), gone)
    Console().print(printed)


def _cell(row: pd.Series | None) -> str:
    if row is None:
        return "-"
    return f"{row['balanced_accuracy']:.3f} {row['family']}\n[{row['low']:.3f}, {row['high']:.3f}]"
