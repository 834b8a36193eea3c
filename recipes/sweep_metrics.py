"""What a training's folder says: the validation of the checkpoint that it chose, and, apart, the test."""

from math import nan
from pathlib import Path

import pandas as pd

from datamodules.errors import DatasetError
from lightning_modules.state_files import read_checkpoint

VAL, TEST = "val/", "test/"


def read_validation(training: Path) -> dict[str, float]:
    """The `val/` metrics of the epoch whose weights `checkpoints/best.ckpt` holds.

    Raises:
        DatasetError: `metrics.csv` has no validation of that epoch.
    """
    epoch = read_checkpoint(training / "checkpoints" / "best.ckpt")["epoch"]
    rows = _metrics(training, VAL)
    found = rows[rows["epoch"] == epoch]
    if found.empty:
        metrics = training / "metrics.csv"
        raise DatasetError(f"{metrics} has no validation of epoch {epoch}, which best.ckpt is of")
    return _last(found)


def read_test(training: Path) -> dict[str, float]:
    """The `test/` metrics of that checkpoint."""
    return _last(_metrics(training, TEST))


def read_chance(training: Path, leakage: str) -> float:
    """What guessing gets at a metric `val/leakage/<attribute>`; nan where no probes left a table."""
    table = training / "leakage_val.csv"
    if not table.is_file():
        return nan
    rows = pd.read_csv(table)
    levels = rows.loc[rows["attribute"] == leakage.rpartition("/")[2], "chance"]
    return nan if levels.empty else float(levels.iloc[-1])


def _metrics(training: Path, stage: str) -> pd.DataFrame:
    """The epoch and the metrics of one stage, in the rows that have any."""
    table = pd.read_csv(training / "metrics.csv")
    names = [name for name in map(str, table) if name.startswith(stage)]
    return table[["epoch", *names]].dropna(subset=names, how="all")


def _last(rows: pd.DataFrame) -> dict[str, float]:
    """The last row without its epoch."""
    return {str(name): float(value) for name, value in rows.iloc[-1].items() if name != "epoch"}
