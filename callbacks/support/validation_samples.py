"""What the callbacks share that look at the first samples of each validation."""

from abc import abstractmethod
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from callbacks.support.gather import Collected


class ValidationSamples(Callback):
    """Collects columns of the first `max_samples` samples of each validation; see `Collected`.

    Args:
        max_samples: samples of the split that take part.
    """

    def __init__(self, max_samples: int) -> None:
        self.max_samples = max_samples
        self.collected = Collected(max_samples)

    @abstractmethod
    def columns(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any
    ) -> dict[str, Tensor]:
        """What to keep of a batch: columns (n, ...); none leaves the batch out."""

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Forget what an earlier epoch, or the sanity check, left."""
        self.collected = Collected(self.max_samples)

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep a batch's columns while there is room."""
        if not self.collected.full(trainer) and (kept := self.columns(trainer, pl_module, outputs, batch)):
            self.collected.add(trainer, kept)
