"""What a training's folder says: the validation of the checkpoint that it chose, and, apart, the test."""

from math import nan
from pathlib import Path

import pandas as pd

from datamodules.errors import DatasetError
from lightning_modules.state_files import read_checkpoint
from recipes.resume import RUN

VAL, TEST = "val/", "test/"


def read_validation(training: Path) -> dict[str, float]:
    """The `val/` metrics of the epoch whose weights `checkpoints/best.ckpt` holds.

    Raises:
        DatasetError: `metrics.csv` has no validation of that epoch.
    """
    epoch = read_checkpoint(training / "checkpoints" / "best.ckpt")["epoch"]
    for part in _parts(training):
        rows = _metrics(part, VAL)
        found = rows[rows["epoch"] == epoch]
        if not found.empty:
            return _last(found)
    metrics = training / "metrics.csv"
    raise DatasetError(f"{metrics} has no validation of epoch {epoch}, which best.ckpt is of")


def read_test(training: Path) -> dict[str, float]:
    """The `test/` metrics of that checkpoint."""
    return _last(_metrics(training, TEST))


def read_chance(training: Path, leakage: str) -> float:
    """What guessing gets at a metric `val/leakage/<attribute>`; nan where no probes left a table."""
    tables = (part / "leakage_val.csv" for part in _parts(training))
    table = next((table for table in tables if table.is_file()), None)
    if table is None:
        return nan
    rows = pd.read_csv(table)
    levels = rows.loc[rows["attribute"] == leakage.rpartition("/")[2], "chance"]
    return nan if levels.empty else float(levels.iloc[-1])


def _parts(training: Path) -> list[Path]:
    """The folder and, newest first, those of the starts that it went on from by --resume auto."""
    note = training / RUN  # the key and W&B's name of a run, which its starts share
    if not note.is_file():
        return [training]
    notes = training.parent.glob(f"*/{RUN}")
    same = [file.parent for file in notes if file.read_bytes() == note.read_bytes()]
    earlier = sorted((part for part in same if (part / "metrics.csv").is_file()), reverse=True)
    return [training, *(part for part in earlier if part != training)]


def _metrics(training: Path, stage: str) -> pd.DataFrame:
    """The epoch and the metrics of one stage, in the rows that have any."""
    table = pd.read_csv(training / "metrics.csv")
    names = [name for name in map(str, table) if name.startswith(stage)]
    return table[["epoch", *names]].dropna(subset=names, how="all")


def _last(rows: pd.DataFrame) -> dict[str, float]:
    """The last row without its epoch."""
    return {str(name): float(value) for name, value in rows.iloc[-1].items() if name != "epoch"}
