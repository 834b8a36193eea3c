"""Handle the end of the time limit in a task of a job: stop the training, then requeue the job."""

import os
import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn

import submitit

from recipes.command_line.exit_codes import TERMINATED

PATIENCE = 600  # seconds; clusters leave fewer between SIGTERM and SIGKILL


class RequeueHandler:
    """Handle SIGUSR2, which SLURM sends before the time limit, and before preemption if set up so.

    All tasks of a job stop their training after the same batch; the first task then requeues the job.

    Args:
        end: asks the training to stop after its batch; returns False if none is running, so that nothing
            needs saving.
    """

    def __init__(self, end: Callable[[], bool]) -> None:
        self.signalled = False
        self._process = os.getpid()
        self._end = end
        self._submitit: Any = signal.getsignal(signal.SIGUSR2)
        signal.signal(signal.SIGUSR2, self)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Ask the training to stop, or requeue the job if none is running."""
        if os.getpid() != self._process:  # a data loader's worker, which SLURM signals too
            return
        self.signalled = True
        if not self._end():
            self._requeue()

    def exit(self) -> NoReturn:
        """End the process after a signal stopped its training; requeue the job if it was SIGUSR2."""
        if self.signalled:
            self._requeue()
        # After SIGTERM alone, wait: SLURM either kills the job or sends SIGUSR2.
        # Where the first task requeues the job, SLURM ends the others.
        if submitit.JobEnvironment().cluster == "slurm":
            time.sleep(PATIENCE)
        raise SystemExit(TERMINATED)

    def _requeue(self) -> None:
        """Requeue the job and exit, in the first task; submitit refuses after too many time limits."""
        self._submitit(signal.SIGUSR2, None)
