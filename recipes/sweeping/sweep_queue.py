"""How the runs of a sweep stand: each folder notes its job of SLURM, and squeue says which are left."""

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from recipes.command_line.errors import UsageError
from recipes.sweeping.sweep_run_folder import SweepRun, training_folder
from storage.json_file import write_json

JOB = "job.json"


class Job(NamedTuple):
    """A job of SLURM."""

    job_id: str
    """Such as 1234, or 1234_5 of an array."""
    log: Path
    """What its first task prints."""


@dataclass
class Standing:
    """The runs of a sweep, each in one of these.

    Attributes:
        done: trained and tested.
        going: queued or running, each with its job.
        failed: whose job is gone, each with what went wrong.
        new: never given to SLURM, or taken over by this machine since.
    """

    done: list[SweepRun] = field(default_factory=list)
    going: list[tuple[SweepRun, Job]] = field(default_factory=list)
    failed: list[tuple[SweepRun, str]] = field(default_factory=list)
    new: list[SweepRun] = field(default_factory=list)

    @property
    def missing(self) -> list[SweepRun]:
        """What is to be submitted."""
        return [*(run for run, _ in self.failed), *self.new]


def standing(runs: Sequence[SweepRun]) -> Standing:
    """How the runs stand now.

    Raises:
        UsageError: a note cannot be read, or squeue does not answer.
    """
    jobs = {run.folder: job for run in runs if training_folder(run) is None and (job := _read_job(run))}
    alive = _queue(next(iter(jobs))) if jobs else set()
    stand = Standing()
    for run in runs:
        job = jobs.get(run.folder)
        if training_folder(run) is not None:  # looked at after squeue: a job may end in between
            stand.done.append(run)
        elif job is None:
            stand.new.append(run)
        elif job.job_id in alive:
            stand.going.append((run, job))
        else:
            stand.failed.append((run, f"job {job.job_id}: {_reason(job.log)}"))
    return stand


def note_job(run: SweepRun, job: Job) -> None:
    """Write what `standing` reads."""
    write_json(run.folder / JOB, {"job": job.job_id, "log": str(job.log)})


def refuse_queued(runs: Sequence[SweepRun]) -> None:
    """Have nobody start a training here that SLURM runs, or will.

    Raises:
        UsageError: a run is queued or running.
    """
    if going := standing(runs).going:
        ids = " ".join(job.job_id for _, job in going)
        raise UsageError(
            f"{len(going)} of these runs are queued or running on SLURM: go on with --cluster slurm, "
            f"or end them by scancel {ids}"
        )


def _read_job(run: SweepRun) -> Job | None:
    """The job of a run; None of one without."""
    file = run.folder / JOB
    if not file.is_file():
        return None
    try:
        note = json.loads(file.read_text(encoding="utf-8"))
        return Job(str(note["job"]), Path(note["log"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{file} is damaged, so its job is not known: if squeue shows none of this sweep, delete it"
        ) from error


def _queue(noted: Path) -> set[str]:
    """The jobs that are queued or running; `noted` is a folder whose job is asked for."""
    # of all people, as two may share a sweep; a job that SLURM has forgotten would be an error if named
    command = ["squeue", "--all", "--array", "--noheader", "--format=%i"]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("SQUEUE_")}  # filters
    try:
        told = subprocess.run(command, env=plain, capture_output=True, text=True, check=True)
    except FileNotFoundError as error:
        raise UsageError(
            f"there is no SLURM here (no squeue) to say whether the job in {noted / JOB} still runs: "
            "use a login node of the cluster, or delete such files if none does"
        ) from error
    except subprocess.CalledProcessError as error:
        reason = " ".join(error.stderr.split()) or f"exit code {error.returncode}"
        raise UsageError(f"squeue cannot say which jobs run, so nothing was started: {reason}") from error
    return set(told.stdout.split())


def _reason(log: Path) -> str:
    """The last that a job said, and where the rest is."""
    if not log.is_file():
        return f"it left no log {log}"
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
    said = [line for line in lines if line and not line.startswith("srun: ")]  # which only adds the exit code
    return f"{said[-1].removeprefix('error: ') if said else 'it printed nothing'}; its log: {log}"
