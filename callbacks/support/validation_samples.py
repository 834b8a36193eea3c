"""Base of the callbacks that use the first samples of each validation."""

from abc import abstractmethod
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from callbacks.support.gather import Collected


class ValidationSamples(Callback):
    """Collect columns of the first `max_samples` samples of each validation; see `Collected`.

    Args:
        max_samples: number of samples of the split in use.
    """

    def __init__(self, max_samples: int) -> None:
        self.max_samples = max_samples
        self.collected = Collected(max_samples)

    @abstractmethod
    def columns(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any
    ) -> dict[str, Tensor]:
        """Return the columns (n, ...) of a batch to keep; an empty dict leaves the batch out."""

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Clear the samples of an earlier epoch or of the sanity check."""
        self.collected = Collected(self.max_samples)

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, *where: Any, **_: Any
    ) -> None:
        """Keep a batch's columns, up to `max_samples`."""
        if not self.collected.full(trainer) and (kept := self.columns(trainer, pl_module, outputs, batch)):
            self.collected.add(trainer, kept)
