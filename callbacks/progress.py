"""Training progress: a bar in a terminal, else one line per epoch, and one line about the network."""

import time
from collections.abc import Mapping
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import RichProgressBar
from pytorch_lightning.utilities.model_summary import get_human_readable_count
from pytorch_lightning.utilities.rank_zero import rank_zero_only
from torch import Tensor

LOSS = "train/loss"


def monitored_metric(logged: Mapping[str, Any], monitor: str) -> str | None:
    """Return the validation metric to show: the monitored one, else the accuracy, else the first logged.

    Args:
        logged: metrics by name.
        monitor: metric that selects the best checkpoint; may be none of validation, such as `epoch`.
    """
    known = [name for name in logged if name.startswith("val/")]
    return next((name for name in (monitor, "val/accuracy", *known) if name in known), None)


def shown_metrics(trainer: Trainer, monitor: str) -> dict[str, float]:
    """Return loss and validation metric of the last epoch, as far as they exist."""
    logged = trainer.callback_metrics
    names = (LOSS, monitored_metric(logged, monitor))
    return {name: float(logged[name]) for name in names if name is not None and name in logged}


class TrainingBar(RichProgressBar):
    """Show Lightning's bar with the loss and the monitored metric.

    Args:
        monitor: see `monitored_metric`.
    """

    def __init__(self, monitor: str) -> None:
        super().__init__()
        self.monitor = monitor
        self.loss: Tensor | None = None
        self.shown: dict[str, Any] = {}
        self.read_at = 0.0

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Keep the loss of the batch."""
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        self.loss = loss.detach() if isinstance(loss, Tensor) else None
        super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)

    def get_metrics(self, trainer: Trainer, pl_module: LightningModule) -> dict[str, Any]:
        """Return the loss of the last batch and the metric of the last validation, updated once a second.

        Reading a loss more often would synchronise a GPU.
        """
        if time.monotonic() - self.read_at >= 1 or not trainer.training:
            self.read_at = time.monotonic()
            shown = shown_metrics(trainer, self.monitor)
            if self.loss is not None:
                shown = {**shown, LOSS: float(self.loss)}
            self.shown = dict(sorted(shown.items()))
        return self.shown


class EpochLines(Callback):
    """Print a line after each epoch: its number, loss, validation metric, time left.

    Args:
        monitor: see `monitored_metric`.
    """

    def __init__(self, monitor: str) -> None:
        self.monitor = monitor
        self.started, self.first, self.begun = 0.0, 0, False

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self.started, self.first, self.begun = time.monotonic(), trainer.global_step, False

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the line of the epoch before, all of whose metrics are logged only now."""
        if self.begun:
            self._print(trainer, trainer.current_epoch)
        self.begun = True

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the line of the last epoch."""
        if self.begun:
            self._print(trainer, trainer.current_epoch)
        self.begun = False

    @rank_zero_only
    def _print(self, trainer: Trainer, epoch: int) -> None:
        total = trainer.max_epochs if (trainer.max_epochs or -1) > 0 else None
        shown = shown_metrics(trainer, self.monitor)
        parts = [f"{name} {value:.4f}" for name, value in shown.items()]
        parts += self._time_left(trainer, epoch, total)
        print(f"epoch {epoch}{f'/{total}' if total else ''}: {', '.join(parts)}", flush=True)

    def _time_left(self, trainer: Trainer, epoch: int, total: int | None) -> list[str]:
        """Estimate the time left by the pace of the steps since the start; empty if the end is unknown."""
        done, asked = trainer.global_step, trainer.max_steps
        if epoch and total:
            by_epochs = round(done / epoch * total)
            asked = by_epochs if asked < 0 else min(asked, by_epochs)
        if asked < 0 or done <= self.first:
            return []
        seconds = (time.monotonic() - self.started) / (done - self.first) * max(asked - done, 0)
        return [f"{duration(seconds)} left"]


def duration(seconds: float) -> str:
    """Format a duration, such as `45 s`, `3 min 20 s` or `2 h 5 min`."""
    whole = round(seconds)
    hours, minutes = whole // 3600, whole % 3600 // 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


class NetworkLine(Callback):
    """Print one line about the parameters, in place of Lightning's table, whose FLOPs are always 0."""

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Count the parameters."""
        if trainer.is_global_zero:
            print(describe_network(pl_module), flush=True)


def describe_network(module: LightningModule) -> str:
    """Count parameters: `LNTL: 1.8 M parameters, 1.5 M of them train (backbone 924 K of 1.2 M, ...)`."""

    def count(parameters: list[Any]) -> int:
        return sum(p.numel() for p in parameters)

    def words(number: int) -> str:
        return " ".join(get_human_readable_count(number).split())

    parts = []
    for name, child in module.named_children():
        of = count(list(child.parameters()))
        training = count([p for p in child.parameters() if p.requires_grad])
        if of:
            parts.append(f"{name} {words(training)}" + (f" of {words(of)}" if training < of else ""))
    everything = list(module.parameters())
    training = count([p for p in everything if p.requires_grad])
    return (
        f"{type(module).__name__}: {words(count(everything))} parameters, "
        f"{words(training)} of them train ({', '.join(parts)})"
    )
