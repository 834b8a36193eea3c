"""Read from the folder of a training the validation of its chosen checkpoint and, separately, its test."""

from math import isclose, isinf, isnan, nan
from pathlib import Path
from typing import Any

import pandas as pd

from datamodules.errors import DatasetError
from recipes.runs.resume import RUN
from storage.checkpoints import read_checkpoint
from storage.spreadsheet import from_cell

VAL, TEST = "val/", "test/"


def read_validation(training: Path) -> dict[str, float]:
    """Read the `val/` metrics of the validation by which `checkpoints/best.ckpt` was chosen.

    An epoch may have several validations (`trainer.val_check_interval`): the checkpoint's is the last one of
    its epoch up to its own step.

    Raises:
        DatasetError: `metrics.csv` has no such validation, or another score than the checkpoint.
    """
    checkpoint = read_checkpoint(training / "checkpoints" / "best.ckpt")
    metrics, epoch, step = training / "metrics.csv", checkpoint["epoch"], _logged_step(checkpoint)
    tables = [_metrics(part, VAL) for part in _parts(training)]
    tables = [rows[rows["epoch"] == epoch] for rows in tables]
    if step is not None:
        tables = [rows[~(rows["step"] > step)] for rows in tables]
    tables = [rows for rows in tables if not rows.empty]
    if not tables:
        raise DatasetError(f"{metrics} has no validation of epoch {epoch}, which best.ckpt is of")
    # of two starts that both had this validation the newest comes first
    rows = max(tables, key=lambda rows: float(rows["step"].max()))
    rows = rows[rows["step"].isna() | (rows["step"] == rows["step"].max())]
    found = _last(rows)
    _check_score(checkpoint, found, metrics)
    return found


def _logged_step(checkpoint: dict[str, Any]) -> int | None:
    """Return the step under which a logger knows a checkpoint; None if it holds only weights.

    It counts batches, however many optimizers step in one; `global_step` counts the steps of each optimizer.
    """
    try:
        return int(checkpoint["loops"]["fit_loop"]["epoch_loop.state_dict"]["_batches_that_stepped"])
    except (KeyError, TypeError, ValueError):
        return None


def _check_score(checkpoint: dict[str, Any], found: dict[str, float], metrics: Path) -> None:
    """Refuse metrics that are not those by which the checkpoint was chosen."""
    for state in dict(checkpoint.get("callbacks") or {}).values():
        monitor = str(state.get("monitor")) if isinstance(state, dict) else ""
        chosen = monitor in found and Path(state["best_model_path"]).stem == "best"
        score = state.get("best_model_score") if chosen else None
        if score is None or isnan(found[monitor]) and isinf(score):  # Lightning stores inf for nan
            continue
        if not isclose(float(score), found[monitor], rel_tol=1e-5, abs_tol=1e-8):
            raise DatasetError(
                f"{metrics}: {monitor} of epoch {checkpoint['epoch']} is {found[monitor]:.6g}, but best.ckpt "
                f"was chosen by {float(score):.6g}: the files are not of one training; train it again"
            )


def read_test(training: Path) -> dict[str, float]:
    """Read the `test/` metrics of that checkpoint."""
    rows = _metrics(training, TEST)
    if rows.empty:
        raise DatasetError(f"{training / 'metrics.csv'} has no test")
    return _last(rows)


def read_chance(training: Path, leakage: str) -> float:
    """Read the chance level of a metric `val/leakage/<attribute>`; nan without a table of probes."""
    tables = (part / "leakage_val.csv" for part in _parts(training))
    table = next((table for table in tables if table.is_file()), None)
    if table is None:
        return nan
    rows = pd.read_csv(table)
    levels = rows.loc[rows["attribute"].map(from_cell) == leakage.rpartition("/")[2], "chance"]
    return nan if levels.empty else float(levels.iloc[-1])


def _parts(training: Path) -> list[Path]:
    """List the folder and, newest first, those of the starts that it resumed with --resume auto."""
    note = training / RUN  # the key and W&B id of a run, which its starts share
    if not note.is_file():
        return [training]
    notes = training.parent.glob(f"*/{RUN}")
    same = [file.parent for file in notes if file.read_bytes() == note.read_bytes()]
    earlier = sorted((part for part in same if (part / "metrics.csv").is_file()), reverse=True)
    return [training, *(part for part in earlier if part != training)]


def _metrics(training: Path, stage: str) -> pd.DataFrame:
    """Read the epoch, the step and the metrics of one stage, from the rows that have any.

    Raises:
        DatasetError: the file is missing or damaged.
    """
    file = training / "metrics.csv"
    try:
        table = pd.read_csv(file)
        if "step" not in table:
            table["step"] = nan
        names = [name for name in map(str, table) if name.startswith(stage)]
        return table[["epoch", "step", *names]].dropna(subset=names, how="all")
    except (OSError, ValueError, KeyError) as error:
        raise DatasetError(f"{file} is missing or damaged: {' '.join(str(error).split())}") from error


def _last(rows: pd.DataFrame) -> dict[str, float]:
    """Return the last value of each metric."""
    last = rows.ffill().iloc[-1].drop(["epoch", "step"])
    return {str(name): float(value) for name, value in last.items()}
