"""What a task of a job does when its time is over: end the training, then have the job come again."""

import os
import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn

import submitit

PATIENCE = 600  # seconds, more than clusters leave between SIGTERM and the end
TERMINATED = 128 + signal.SIGTERM  # as `recipes/train.py` exits


class Ending:
    """The handler of SIGUSR2, which comes before the time limit, and at preemption where the cluster says so.

    All tasks of a job end their training after the same batch; the first then queues the job again.

    Args:
        end: has the training end after its batch; False if none goes on, so that there is nothing to save.
    """

    def __init__(self, end: Callable[[], bool]) -> None:
        self.told = False
        self._process = os.getpid()
        self._end = end
        self._submitit: Any = signal.getsignal(signal.SIGUSR2)
        signal.signal(signal.SIGUSR2, self)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Hand the signal on."""
        if os.getpid() != self._process:  # a data loader's worker, which SLURM tells as well
            return
        self.told = True
        if not self._end():
            self._queue_again()

    def leave(self) -> NoReturn:
        """End the process, whose training a signal ended; the job comes again if it is to."""
        if self.told:
            self._queue_again()
        # SIGTERM alone does not say whether the job is to come again: SLURM kills it or sends SIGUSR2.
        # And where the first task queues the job again, SLURM ends the others.
        if submitit.JobEnvironment().cluster == "slurm":
            time.sleep(PATIENCE)
        raise SystemExit(TERMINATED)

    def _queue_again(self) -> None:
        """In the first task, queue the job and end; submitit refuses once the time limit came too often."""
        self._submitit(signal.SIGUSR2, None)
