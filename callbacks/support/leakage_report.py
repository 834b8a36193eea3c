"""Report leakage at the end of a test."""

from typing import NamedTuple

import pandas as pd
from pytorch_lightning import Trainer
from rich.console import Console
from rich.table import Table

from callbacks.support.report_files import log_table, report_folder, write_table
from evaluation.leakage.accuracies import strongest
from evaluation.leakage.reduction import leakage_reduction


def write_leakage(trainer: Trainer, table: pd.DataFrame) -> None:
    """Write `<log_dir>/leakage.csv`, and the same to W&B. Every rank must call this; rank zero writes.

    Without a logger nothing is written.

    Args:
        trainer: its loggers give the folder.
        table: rows of `held_out_leakage` with the columns `attribute` and `representation` (before, after).
    """
    folder = report_folder(trainer)
    if folder is not None:
        write_table(folder, "leakage", table)
        log_table(trainer, "test/leakage", table)


class Verdict(NamedTuple):
    """The strongest probes of an attribute, rows of `held_out_leakage`, and the leakage reduction."""

    after: pd.Series
    before: pd.Series | None
    """None if only a checkpoint was tested."""
    removed: float
    """Percent, see `evaluation.leakage.reduction`; nan without `before`, and for the task."""


def verdicts(table: pd.DataFrame, kept: str | None = None) -> dict[str, Verdict]:
    """Find the strongest probes of each attribute.

    Args:
        table: see `write_leakage`.
        kept: the attribute that the model learns, whose leakage is not to be reduced.
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
    """Print the leakage of each attribute before and after training, and its reduction."""
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
