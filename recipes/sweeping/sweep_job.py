"""What each task of a sweep's job does: one run, which goes on where it stopped when the job comes again."""

import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import nullcontext
from typing import IO

import submitit

from recipes.cluster.submit_ending import TERMINATED, Ending
from recipes.sweeping.sweep_run_folder import LOG, SweepRun, note_end, training_folder

_BY_SIGNAL = (TERMINATED, -signal.SIGTERM)  # the latter before the training listens


class SweepJob:
    """The command of a run, in each task of a job of submitit; the first writes `log.txt` and `done.json`.

    Args:
        run: whose folder and parameters are there.
    """

    def __init__(self, run: SweepRun) -> None:
        self.run = run

    def __call__(self) -> None:
        """Train; raises SystemExit where the job was ended, or something went wrong."""
        if training_folder(self.run) is not None:
            return
        first = submitit.JobEnvironment().global_rank == 0
        log, since = self.run.folder / LOG, time.monotonic()
        begin = log.stat().st_size if log.exists() else 0
        with open(log, "ab") if first else nullcontext() as output:
            training = _Training([*self.run.command, "--resume=auto"], output)
            code = training.process.wait()
        if first:
            problem = note_end(self.run, code, time.monotonic() - since, begin)
        else:
            problem = f"exit code {code}" if code else None
        if problem is None:
            return
        # a test whose data loaders SIGTERM ends exits with 1
        if training.asked or code in _BY_SIGNAL:
            training.ending.leave()
        raise SystemExit(f"error: {problem}")

    def checkpoint(self) -> submitit.helpers.DelayedSubmission:
        """What submitit starts when the job comes again: the same, for the run's folder holds the state."""
        return submitit.helpers.DelayedSubmission(SweepJob(self.run))


class _Training:
    """A training in a process of its own.

    Args:
        command: what to start.
        output: for what it prints; None: where this process prints.
    """

    def __init__(self, command: Sequence[str], output: IO[bytes] | None) -> None:
        self.asked = False
        # SLURM sends SIGUSR2 to every process, which would end this one: what is blocked here is so there
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        signal.signal(signal.SIGTERM, lambda *_: self.end())
        self.ending = Ending(self.end)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR2})

    def end(self) -> bool:
        """Have it end after its batch; False if it has ended."""
        self.asked = True
        if self.process.poll() is not None:
            return False
        self.process.terminate()
        return True
