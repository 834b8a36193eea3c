"""What each task of a submitted job does: a training that goes on where it stopped when the job comes again.

Lightning's own requeue on SLURM saves amid a batch, when one of two players has moved, and where --resume
auto does not look. It waits for SIGUSR1; submitit has SLURM send SIGUSR2, so of the two only this one acts.
"""

import signal
import sys
from collections.abc import Sequence

import submitit

from recipes.cluster.submit_ending import Ending
from recipes.command_line import training
from recipes.command_line.config_lookup import CONFIGS
from recipes.command_line.errors import TERMINATED, report_errors

TRAIN = CONFIGS.parent / "recipes" / "train.py"


class TrainingJob:
    """`python recipes/train.py` with these options, in each task of a job of submitit.

    Args:
        arguments: of the command line; with `--resume auto`.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self.arguments = list(arguments)

    def __call__(self) -> None:
        """Train; raises SystemExit where the job was ended, or the user has to mend something."""
        idle = signal.getsignal(signal.SIGTERM)

        def end() -> bool:
            if signal.getsignal(signal.SIGTERM) == idle:  # nothing is trained
                return False
            signal.raise_signal(signal.SIGTERM)
            return True

        ending = Ending(end)
        sys.argv = [str(TRAIN), *self.arguments]
        try:
            report_errors(training.main)
        except SystemExit as ended:
            if ended.code != TERMINATED:
                raise
            ending.leave()

    def checkpoint(self) -> submitit.helpers.DelayedSubmission:
        """What submitit starts when the job comes again: the same, for the run folder holds the state."""
        return submitit.helpers.DelayedSubmission(TrainingJob(self.arguments))
