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
    """Writes the checkpoint of the last batch when SIGTERM or Ctrl-C comes: preemption, a time limit, `kill`.

    Lightning ends the training after the batch in which the signal came; here that batch is saved before.
    Several processes agree on that batch, whichever of them the signal came to: Lightning's handler would
    speak to the others at once, in the midst of what they compute together. (At SLURM's auto-requeue signal
    Lightning itself saves a checkpoint.)

    Args:
        checkpoint: whose folder the file goes to, under the name that it gives.

    Attributes:
        interrupted: Ctrl-C ended the training, in any of its processes.
    """

    def __init__(self, checkpoint: ModelCheckpoint) -> None:
        self.checkpoint = checkpoint
        self.told = self.interrupted = False

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take over Ctrl-C, and SIGTERM where there are several; Lightning gives them back in the end."""
        self.told = self.interrupted = False
        if threading.current_thread() is not threading.main_thread():
            return
        if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:

            def interrupt(number: int, frame: object) -> None:
                signal.signal(number, signal.SIG_DFL)  # a second one ends it at once
                self.told = self.interrupted = True
                if trainer.world_size == 1:
                    _end(trainer)  # validation ends as well

            signal.signal(signal.SIGINT, interrupt)
        if trainer.world_size > 1:
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
            _end(trainer)
            self.interrupted = trainer.strategy.reduce_boolean_decision(self.interrupted, all=False)
        if trainer.received_sigterm and self.checkpoint.dirpath:
            path = Path(self.checkpoint.dirpath, f"{self.checkpoint.filename}.ckpt")
            trainer.save_checkpoint(path)
            rank_zero_info(f"asked to end: saved {path}")


def _end(trainer: Trainer) -> None:
    """End the loops after this batch: they read `Trainer.received_sigterm`, which has no public setter."""
    trainer._signal_connector.received_sigterm = True
