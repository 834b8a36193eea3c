"""Runs the trainings of a sweep on this machine; what is done is not done again."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from recipes.folder_lock import folder_lock
from recipes.sweep_commands import SweepRun

DONE = "done.json"
LOG = "log.txt"
_POLL = 0.2  # seconds


def training_folder(run: SweepRun) -> Path | None:
    """The folder with the checkpoints and metrics of a run that is done; None of one that is not."""
    done = run.folder / DONE
    return run.folder / json.loads(done.read_text())["training"] if done.is_file() else None


@dataclass
class _Started:
    """A run that is going on."""

    run: SweepRun
    process: subprocess.Popen[bytes]
    since: float = field(default_factory=time.monotonic)


def run_all(
    runs: Sequence[SweepRun], out: Path, processes: int
) -> Generator[tuple[SweepRun, str | None], None, None]:
    """Train what is not done yet, `processes` runs at a time.

    A run leaves its output in `log.txt` and, last of all, `done.json`. What an unfinished one left before is
    deleted. When this ends early, its trainings end with it.

    Args:
        runs: of `planned_runs`.
        out: their common folder, which no other sweep may use at the same time.
        processes: runs at a time.

    Yields:
        A run that ended, and what went wrong or None.

    Raises:
        UsageError: another process works in the folder.
    """
    waiting = [run for run in runs if training_folder(run) is None]
    going: list[_Started] = []
    with folder_lock(out, "sweep") as lock:
        try:
            while waiting or going:
                while waiting and len(going) < processes:
                    going.append(_start(waiting.pop(0), processes, lock))
                time.sleep(_POLL)
                for started in [one for one in going if one.process.poll() is not None]:
                    going.remove(started)
                    yield started.run, _finish(started)
        finally:
            _stop(going)


def _start(run: SweepRun, processes: int, lock: int) -> _Started:
    """Start a run in a process group of its own."""
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


def _finish(started: _Started) -> str | None:
    """Note that a run is done; returns what went wrong."""
    run, log = started.run, started.run.folder / LOG
    if started.process.returncode:
        return f"exit code {started.process.returncode}: {_reason(log)}; all of it in {log}"
    trainings = [file.parent for file in run.folder.glob("*/*/metrics.csv") if _is_tested(file)]
    if len(trainings) != 1:
        return f"its training was not tested, so it was cut short or a rehearsal; see {log}"
    note = {
        "training": str(trainings[0].relative_to(run.folder)),
        "parameters": run.parameters,
        "command": run.command,
        "seconds": round(time.monotonic() - started.since, 1),
    }
    draft = run.folder / f"{DONE}.draft"
    draft.write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")
    draft.replace(run.folder / DONE)
    return None


def _reason(log: Path) -> str:
    """The line of a log that says what went wrong."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return next(iter([x for x in lines if x.startswith("error: ")] or lines[-1:]), "it printed nothing")


def _is_tested(metrics: Path) -> bool:
    return any(str(name).startswith("test/") for name in pd.read_csv(metrics, nrows=0))


def _stop(going: Sequence[_Started]) -> None:
    """End trainings and the processes that they started."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        for started in going:
            try:
                os.killpg(started.process.pid, sign)
            except ProcessLookupError:
                continue
        for started in going:
            try:
                started.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                continue
