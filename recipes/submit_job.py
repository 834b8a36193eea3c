"""What each task of a submitted job does: a training that goes on where it stopped when the job comes again.

Lightning's own requeue on SLURM saves amid a batch, when one of two players has moved, and where --resume
auto does not look. It waits for SIGUSR1; submitit has SLURM send SIGUSR2, so of the two only this one acts.
"""

import signal
import sys
import time
from collections.abc import Sequence
from types import FrameType
from typing import Any

import submitit

from recipes import train
from recipes.config_lookup import CONFIGS
from recipes.errors import report_errors

TRAIN = CONFIGS.parent / "recipes" / "train.py"
PATIENCE = 600  # seconds, more than clusters leave between SIGTERM and the end
_ENDED_BY_SIGNAL = (train.TERMINATED, None)  # None is Lightning's, of a test


class TrainingJob:
    """`python recipes/train.py` with these options, in each task of a job of submitit.

    SIGUSR2 comes before the time limit (and at preemption, where the cluster says so). A single process then
    ends its batch, saves it and queues the job again. Of several, the first queues the job at once, and it
    goes on from the last checkpoint.

    Args:
        arguments: of the command line; with `--resume auto`.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self.arguments = list(arguments)

    def __call__(self) -> None:
        """Train; raises SystemExit where the job was ended, or the user has to mend something."""
        environment = submitit.JobEnvironment()
        ending = _Ending()
        if environment.num_tasks == 1:
            signal.signal(signal.SIGUSR2, ending)
        sys.argv = [str(TRAIN), *self.arguments]
        try:
            report_errors(train.main)
        except SystemExit as ended:
            if ended.code not in _ENDED_BY_SIGNAL:
                raise
            # SIGTERM alone does not say whether the job is to come again: SLURM kills it or sends SIGUSR2
            if not ending.told and environment.cluster == "slurm":
                time.sleep(PATIENCE)
            if ending.told:
                ending.queue_again()
            raise SystemExit(train.TERMINATED) from ended

    def checkpoint(self) -> submitit.helpers.DelayedSubmission:
        """What submitit starts when the job comes again: the same, for the run folder holds the state."""
        return submitit.helpers.DelayedSubmission(TrainingJob(self.arguments))


class _Ending:
    """The handler of SIGUSR2: has the training end after its batch, as SIGTERM has."""

    def __init__(self) -> None:
        self.told = False
        self._submitit: Any = signal.getsignal(signal.SIGUSR2)
        self._idle = signal.getsignal(signal.SIGTERM)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Hand the signal on."""
        self.told = True
        if signal.getsignal(signal.SIGTERM) == self._idle:  # nothing is trained, so there is nothing to save
            self.queue_again()
        signal.raise_signal(signal.SIGTERM)

    def queue_again(self) -> None:
        """Let submitit queue the job and end the process; it refuses once the time limit came too often."""
        self._submitit(signal.SIGUSR2, None)
