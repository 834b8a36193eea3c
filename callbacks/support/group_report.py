"""Report group rates at the end of a run."""

from math import isnan

import pandas as pd
from pytorch_lightning import Trainer
from rich.console import Console
from rich.table import Table

from callbacks.support.report_files import log_image, log_table, report_folder, write_table
from evaluation.fairness.group_rates import RATES
from evaluation.plots.group_plot import plot_group_rates


def write_group_report(trainer: Trainer, table: pd.DataFrame, stage: str, title: str) -> None:
    """Write the table and its chart. Every rank must call this; rank zero writes.

    The files are `<log_dir>/group_rates_<stage>.csv` and `<log_dir>/figures/group_fairness_<stage>.png`; W&B
    gets both. Without a logger, as in `fast_dev_run`, nothing is written.

    Args:
        trainer: its loggers give the folder.
        table: rows of `group_table` with the column `grouping`.
        stage: val or test.
        title: of the chart.
    """
    folder = report_folder(trainer)
    if folder is None:
        return
    image = folder / "figures" / f"group_fairness_{stage}.png"
    image.parent.mkdir(parents=True, exist_ok=True)
    write_table(folder, f"group_rates_{stage}", table)
    plot_group_rates(table, title).savefig(image)
    log_table(trainer, f"{stage}/group_rates", table)
    log_image(trainer, f"{stage}/group_fairness", image)


def print_group_rates(table: pd.DataFrame, title: str) -> None:
    """Print the rates, each above its 95 % interval, in 80 columns."""

    def cell(value: float, low: float, high: float) -> str:
        if isnan(low):
            return f"{value:.3f}"
        interval = "-".join(f"{end:.2f}".removeprefix("0") for end in (low, high))
        return f"{value:.3f}\n{interval}" if value >= 0 else "nan"

    printed = Table(title=title)
    printed.add_column("group")
    for name in ("n", *RATES):
        printed.add_column(name.replace("_", " "), justify="right")
    for row in table.to_dict("records"):
        cells = [cell(row[rate], row[f"{rate}_low"], row[f"{rate}_high"]) for rate in RATES]
        printed.add_row(str(row["group"]), str(row["n"]), *cells)
    Console().print(printed)
