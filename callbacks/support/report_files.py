"""Write tables and figures of callbacks to the run folder and to W&B."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from pytorch_lightning import Trainer
from pytorch_lightning.loggers import WandbLogger

from evaluation.plots.style import save_figure
from storage.spreadsheet import csv_text


def report_folder(trainer: Trainer) -> Path | None:
    """Return the run folder in the process that writes; None in the others, and without a logger.

    Every rank must call this.
    """
    log_dir = trainer.log_dir if trainer.loggers else None  # a broadcast
    return Path(log_dir) if log_dir is not None and trainer.is_global_zero else None


def write_table(folder: Path, name: str, table: pd.DataFrame) -> None:
    """Write `<folder>/<name>.csv`, with an apostrophe before text that looks like a formula."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.csv").write_text(csv_text(table), encoding="utf-8")


def log_table(trainer: Trainer, key: str, table: pd.DataFrame) -> None:
    """Send a table to W&B, if it is used."""
    for logger in _wandb_loggers(trainer):
        logger.log_table(key, dataframe=table)


def log_figure(trainer: Trainer, key: str, figure: Figure, folder: Path, name: str) -> None:
    """Write `<folder>/figures/<name>.svg` and `.png`; W&B gets the latter."""
    _, png = save_figure(figure, folder / "figures", name)
    log_image(trainer, key, png)


def log_image(trainer: Trainer, key: str, image: Path) -> None:
    """Send an image to W&B, if it is used."""
    for logger in _wandb_loggers(trainer):
        logger.log_image(key, [str(image)])


def _wandb_loggers(trainer: Trainer) -> list[WandbLogger]:
    return [logger for logger in trainer.loggers if isinstance(logger, WandbLogger)]
