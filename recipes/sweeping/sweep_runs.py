"""Run the trainings of a sweep on this machine; finished ones are not run again."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from recipes.runs.folder_lock import folder_lock
from recipes.sweeping.sweep_queue import refuse_queued
from recipes.sweeping.sweep_run_folder import LOG, SweepRun, note_end, training_folder

_POLL = 0.2  # seconds


@dataclass
class _Started:
    """A run in progress."""

    run: SweepRun
    process: subprocess.Popen[bytes]
    since: float = field(default_factory=time.monotonic)


def run_all(
    runs: Sequence[SweepRun], out: Path, processes: int
) -> Generator[tuple[SweepRun, str | None], None, None]:
    """Train the unfinished runs, `processes` at a time.

    A run writes its output to `log.txt` and, last of all, `done.json`. Leftovers of an unfinished run are
    deleted. If this generator ends early, its trainings end with it.

    Args:
        runs: from `planned_runs`.
        out: their common folder, which no other sweep may use at the same time.
        processes: number of runs at the same time.

    Yields:
        A run that ended, and its problem or None.

    Raises:
        UsageError: another process works in the folder, or SLURM has jobs of it.
    """
    waiting = [run for run in runs if training_folder(run) is None]
    going: list[_Started] = []
    with folder_lock(out, "sweep") as lock:
        refuse_queued(waiting)
        try:
            while waiting or going:
                while waiting and len(going) < processes:
                    going.append(_start(waiting.pop(0), processes, lock))
                time.sleep(_POLL)
                for started in [one for one in going if one.process.poll() is not None]:
                    going.remove(started)
                    seconds = time.monotonic() - started.since
                    yield started.run, note_end(started.run, started.process.returncode, seconds)
        finally:
            _stop(going)


def _start(run: SweepRun, processes: int, lock: int) -> _Started:
    """Start a run in its own process group."""
    shutil.rmtree(run.folder, ignore_errors=True)  # an unfinished training
    run.write_parameters()
    threads = max(1, len(os.sched_getaffinity(0)) // processes)
    with open(run.folder / LOG, "wb") as log:
        process = subprocess.Popen(
            run.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={"OMP_NUM_THREADS": str(threads), **os.environ},
            start_new_session=True,
            pass_fds=[lock],
        )
    return _Started(run, process)


def _stop(going: Sequence[_Started]) -> None:
    """End trainings and the processes that they started."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        for started in going:
            with suppress(ProcessLookupError):
                os.killpg(started.process.pid, sign)
        for started in going:
            with suppress(subprocess.TimeoutExpired):
                started.process.wait(timeout=10)
