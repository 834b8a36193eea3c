"""Trainings that are told, by signals, that their time is over."""

import os
import signal
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback, Trainer

from tests.support.waiting import wait_until


class Told(Callback):
    """Sends its process the signals after so many steps, unless `told<rank>` exists where it works."""

    def __init__(self, step: int, signals: list[str]) -> None:
        self.step, self.signals = step, signals

    def on_train_batch_start(self, trainer: Trainer, *_: Any) -> None:
        note = Path(f"told{trainer.global_rank}")
        if trainer.global_step == self.step and not note.exists():
            note.touch()
            for name in self.signals:
                os.kill(os.getpid(), signal.Signals[name])


class EpochSignal(Callback):
    """Sends the process a signal before the first batch of the second epoch."""

    def __init__(self, number: int) -> None:
        self.number = number

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx) -> None:
        if (trainer.current_epoch, batch_idx) == (1, 0):
            os.kill(os.getpid(), self.number)


class SignalInTest(Callback):
    """Ends the test of a training as a user or a cluster would."""

    def __init__(self, number: int) -> None:
        self.number = number

    def on_test_batch_start(self, *_: object) -> None:
        signal.raise_signal(self.number)


class AllTold(Callback):
    """Tells all processes of its task once, at a step, that the time is over, and waits to be told."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_start(self, trainer: Trainer, *_: Any) -> None:
        if trainer.global_step == self.step and not Path("told").exists():
            Path("told").touch()
            os.killpg(0, signal.SIGUSR2)
            wait_until(lambda: trainer.received_sigterm)
