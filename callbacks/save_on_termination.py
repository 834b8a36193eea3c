"""Saves a run that the cluster, or a user, asks to end."""

import signal
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.utilities.rank_zero import rank_zero_info
from torch import Tensor


class SaveOnTermination(Callback):
    """Writes the checkpoint of the last batch when SIGTERM comes: preemption, a time limit, `kill`.

    Lightning ends the training after the batch in which the signal came; here that batch is saved before.
    Several processes agree on that batch, whichever of them the signal came to: Lightning's handler would
    speak to the others at once, in the midst of what they compute together. (At SLURM's auto-requeue signal
    Lightning itself saves a checkpoint.)

    Args:
        checkpoint: whose folder the file goes to, under the name that it gives.
    """

    def __init__(self, checkpoint: ModelCheckpoint) -> None:
        self.checkpoint = checkpoint
        self.told = False

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take over the signal where there are several processes; Lightning gives it back in the end."""
        if trainer.world_size > 1 and threading.current_thread() is threading.main_thread():
            self.told = False
            signal.signal(signal.SIGTERM, self._note)

    def _note(self, *_: object) -> None:
        self.told = True

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Tensor | Mapping[str, Any] | None,
        batch: object,
        batch_idx: int,
    ) -> None:
        """Save if the end was asked for."""
        if trainer.world_size > 1 and trainer.strategy.reduce_boolean_decision(self.told, all=False):
            trainer._signal_connector.received_sigterm = True  # it ends the training after this batch
        if trainer.received_sigterm and self.checkpoint.dirpath:
            path = Path(self.checkpoint.dirpath, f"{self.checkpoint.filename}.ckpt")
            trainer.save_checkpoint(path)
            rank_zero_info(f"asked to end: saved {path}")
