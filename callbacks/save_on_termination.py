"""Save a checkpoint when a run is asked to end."""

import signal
import threading
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.utilities.rank_zero import rank_zero_info


class SaveOnTermination(Callback):
    """Save the last batch's checkpoint at SIGTERM or Ctrl-C: preemption, a time limit, `kill`.

    Lightning ends the training after the batch in which the signal arrives; this callback saves a checkpoint
    before. Several processes agree on that batch, whichever received the signal: Lightning's handler would
    communicate at once, in the middle of another collective operation. (At SLURM's auto-requeue signal
    Lightning itself saves a checkpoint.)

    Args:
        checkpoint: gives folder and name of the file.

    Attributes:
        interrupted: Ctrl-C ended the training, in any of its processes.
    """

    def __init__(self, checkpoint: ModelCheckpoint) -> None:
        self.checkpoint = checkpoint
        self.stop_requested = self.interrupted = False

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Handle Ctrl-C, and SIGTERM with several processes; Lightning restores the handlers at the end."""
        self.stop_requested = self.interrupted = False
        if threading.current_thread() is not threading.main_thread():
            return
        if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:

            def interrupt(number: int, frame: object) -> None:
                signal.signal(number, signal.SIG_DFL)  # a second one ends it at once
                self.stop_requested = self.interrupted = True
                if trainer.world_size == 1:
                    _end(trainer)  # validation ends as well

            signal.signal(signal.SIGINT, interrupt)
        if trainer.world_size > 1:
            signal.signal(signal.SIGTERM, self._note)

    def _note(self, *_: object) -> None:
        self.stop_requested = True

    def on_train_batch_end(self, trainer: Trainer, *where: Any, **_: Any) -> None:
        """Save a checkpoint if a signal asked to end."""
        if trainer.world_size > 1 and trainer.strategy.reduce_boolean_decision(
            self.stop_requested, all=False
        ):
            _end(trainer)
            self.interrupted = trainer.strategy.reduce_boolean_decision(self.interrupted, all=False)
        if trainer.received_sigterm and self.checkpoint.dirpath:
            path = Path(self.checkpoint.dirpath, f"{self.checkpoint.filename}.ckpt")
            trainer.save_checkpoint(path)
            rank_zero_info(f"asked to end: saved {path}")


def _end(trainer: Trainer) -> None:
    """End the loops after this batch: they read `Trainer.received_sigterm`, which has no public setter."""
    trainer._signal_connector.received_sigterm = True
