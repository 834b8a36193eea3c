"""Run one training of a sweep in a task of a job, and resume it when the job is requeued."""

import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import nullcontext
from typing import IO

import submitit

from recipes.cluster.requeue_handler import RequeueHandler
from recipes.command_line.exit_codes import TERMINATED
from recipes.sweeping.sweep_run_folder import LOG, SweepRun, note_end, training_folder

_BY_SIGNAL = (TERMINATED, -signal.SIGTERM)  # the latter before the training handles signals


class SweepJob:
    """Runs the command of a run in each task of a submitit job; the first writes `log.txt` and `done.json`.

    Args:
        run: its folder and parameters exist.
    """

    def __init__(self, run: SweepRun) -> None:
        self.run = run

    def __call__(self) -> None:
        """Train; raises SystemExit if the job was stopped or something went wrong."""
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
        # a test whose data loaders were ended by SIGTERM exits with 1
        if training.ended_by_signal or code in _BY_SIGNAL:
            training.requeue.exit()
        raise SystemExit(f"error: {problem}")

    def checkpoint(self) -> submitit.helpers.DelayedSubmission:
        """Return what submitit starts after a requeue: the same, as the run's folder holds the state."""
        return submitit.helpers.DelayedSubmission(SweepJob(self.run))


class _Training:
    """A training in a process of its own.

    Args:
        command: to start.
        output: file for its output; None: that of this process.
    """

    def __init__(self, command: Sequence[str], output: IO[bytes] | None) -> None:
        self.ended_by_signal = False
        # SLURM sends SIGUSR2 to every process, which would end the training: it inherits the blocked signal
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        signal.signal(signal.SIGTERM, lambda *_: self.end())
        self.requeue = RequeueHandler(self.end)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR2})

    def end(self) -> bool:
        """Ask the training to stop after its batch; return False if it has ended."""
        self.ended_by_signal = True
        if self.process.poll() is not None:
            return False
        self.process.terminate()
        return True
