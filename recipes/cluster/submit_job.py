"""Run a training in a task of a submitted job, and resume it when the job is requeued.

Lightning's own requeue on SLURM saves in the middle of a batch, when one of two optimizers has stepped, and
in a place where --resume auto does not look. It waits for SIGUSR1; submitit has SLURM send SIGUSR2, so only
this handler acts.
"""

import signal
import sys
from collections.abc import Sequence

import submitit

from recipes.cluster.requeue_handler import RequeueHandler
from recipes.command_line import training
from recipes.command_line.config_lookup import TRAIN
from recipes.command_line.errors import report_errors
from recipes.command_line.exit_codes import TERMINATED


class TrainingJob:
    """Run `python recipes/train.py` with these arguments in each task of a submitit job.

    Args:
        arguments: of the command line; they include `--resume auto`.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self.arguments = list(arguments)

    def __call__(self) -> None:
        """Train; raises SystemExit if the job was stopped or the user has to correct something."""
        idle = signal.getsignal(signal.SIGTERM)

        def end() -> bool:
            if signal.getsignal(signal.SIGTERM) == idle:  # no training is running
                return False
            signal.raise_signal(signal.SIGTERM)
            return True

        handler = RequeueHandler(end)
        sys.argv = [str(TRAIN), *self.arguments]
        try:
            report_errors(training.main)
        except SystemExit as ended:
            if ended.code != TERMINATED:
                raise
            handler.exit()

    def checkpoint(self) -> submitit.helpers.DelayedSubmission:
        """Return what submitit starts after a requeue: the same, as the run folder holds the state."""
        return submitit.helpers.DelayedSubmission(TrainingJob(self.arguments))
