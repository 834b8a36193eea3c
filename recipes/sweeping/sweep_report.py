"""Report a finished sweep: tables, the trade-off, and the test of the chosen setting only."""

import json
from collections.abc import Sequence
from math import isnan
from pathlib import Path
from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from evaluation.fairness.selection import MostUtility, Rule
from evaluation.plots.style import save_figure
from evaluation.plots.tradeoff_plot import plot_tradeoff
from evaluation.report.tables import Table
from recipes.command_line.usage_error import UsageError
from recipes.sweeping.sweep_file import Metric, Sweep
from recipes.sweeping.sweep_metrics import read_chance
from recipes.sweeping.sweep_run_folder import label
from recipes.sweeping.sweep_table import BestMean, RunResult, SettingTable, spread
from storage.json_file import write_json
from storage.spreadsheet import csv_text

_LEAKAGE, _UTILITIES = "val/leakage/", ("val/verification_auc", "val/accuracy")


def report(
    sweep: Sweep, runs: Sequence[RunResult], out: Path, leakage_at_most: float | None, console: Console
) -> None:
    """Choose a setting; write and print the results.

    `sweep.csv` and `sweep.md` have a row for each setting, with validation metrics only; `tradeoff.svg` and
    `.png` plot leakage against verification or accuracy, where both are logged; `chosen.csv` holds the test
    of the chosen setting, `chosen.json` lists all settings whose test was opened so far.

    Args:
        sweep: what was run.
        runs: all of them, in the order of the sweep.
        out: folder to write to.
        leakage_at_most: choose the most useful setting that leaks no more; None: choose by the metric of the
            sweep.
        console: to print to.

    Raises:
        UsageError: nothing can be chosen.
    """
    table = SettingTable(sweep.compared, runs)
    leakage, utility = axes_of(table, sweep.metric)
    rule: Rule = BestMean(sweep.metric)
    if leakage_at_most is not None:
        if leakage is None or utility is None:
            needed = f"{_LEAKAGE}<attribute> and {' or '.join(_UTILITIES)}"
            raise UsageError(
                f"--leakage_at_most needs {needed} in validation; it has {', '.join(table.mean)}"
            )
        rule = MostUtility(leakage_at_most, leakage, utility)
    chosen = table.choose(rule)
    (out / "sweep.csv").write_text(csv_text(table.frame(chosen)), encoding="utf-8")
    columns = dict.fromkeys(filter(None, (sweep.metric.name, leakage, utility)))
    shown = table.shown(list(columns), chosen, rule)
    (out / "sweep.md").write_text(f"{shown.markdown()}\n{shown.caption}\n", encoding="utf-8")
    _print(shown, console)
    if leakage and utility:
        _draw(table, leakage, utility, out)
    _open_test(table, chosen, rule, out, console)


def axes_of(table: SettingTable, metric: Metric) -> tuple[str | None, str | None]:
    """Name the leakage and the utility to plot; None if validation has none, or several leakages."""
    leakages = [str(name) for name in table.mean if str(name).startswith(_LEAKAGE)]
    if metric.name in leakages:
        leakages = [metric.name]
    utility = next((name for name in _UTILITIES if name in table.mean), None)
    return (leakages[0] if len(leakages) == 1 else None), utility


def _draw(table: SettingTable, leakage: str, utility: str, out: Path) -> None:
    """Plot the trade-off of the means over seeds."""
    done = next(row for row, count in enumerate(table.n) if count)
    chance = read_chance(table.trainings(done)[0], leakage)
    frame = pd.DataFrame({"leakage": table.mean[leakage], "auc": table.mean[utility]})
    frame.insert(0, "representation", [label(setting) or "all" for setting in table.settings])
    if isnan(chance) or frame.dropna().empty:
        return
    figure = plot_tradeoff(frame, chance=chance)
    if utility == "val/accuracy":
        figure.axes[0].set_xlabel("Task accuracy (%)")
    save_figure(figure, out, "tradeoff")


def _open_test(table: SettingTable, chosen: int, rule: Rule, out: Path, console: Console) -> None:
    """Write and print the test of the chosen setting; say so if another's was opened before."""
    test = table.test(chosen)
    (out / "chosen.csv").write_text(csv_text(test), encoding="utf-8")
    overall = test[(test["metric"].str.count("/") == 1) | test["metric"].str.match("test/leakage/[^/]*$")]
    name = label(table.settings[chosen]) or "the only setting"
    rows = [[x.metric, spread(x.mean, x.std)] for x in overall.itertuples()]
    caption = f"The test of {name}, n = {table.n[chosen]}"
    _print(Table("chosen", caption, ["metric", "mean ± std"], rows), console)
    file = out / "chosen.json"
    opened = _opened_before(file)
    choice = {"rule": rule.name, "setting": dict(table.settings[chosen])}
    if choice not in opened:
        opened.append(choice)
    write_json(file, opened, indent=2)
    if len(seen := {label(one["setting"]) for one in opened}) > 1:
        line = (
            f"note: the tests of {len(seen)} settings have been opened ({file}): who chooses now knows them"
        )
        console.print(Text(line), soft_wrap=True)


def _opened_before(file: Path) -> list[dict[str, Any]]:
    """Read the settings whose test was opened so far."""
    if not file.is_file():
        return []
    try:
        opened: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
        for one in opened:
            label(one["setting"])
        return opened
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{file} is damaged, so which tests were opened is not known: mend it, or delete it knowing that"
        ) from error


def _print(table: Table, console: Console) -> None:
    printed = RichTable(title=table.caption, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for place, name in enumerate(table.columns):
        printed.add_column(name, justify="left" if place < table.texts else "right", overflow="fold")
    for row in table.rows:
        printed.add_row(*map(Text, row))
    console.print(printed)
