"""Find the status of the runs of a sweep: each folder records its SLURM job, and squeue lists those alive."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from recipes.command_line.usage_error import UsageError
from recipes.sweeping.sweep_run_folder import SweepRun, training_folder
from storage.json_file import read_json, write_json

JOB = "job.json"


class Job(NamedTuple):
    """A job of SLURM."""

    job_id: str
    """Such as 1234, or 1234_5 of an array."""
    log: Path
    """Output of its first task."""


@dataclass
class SweepStatus:
    """The runs of a sweep by their status.

    Attributes:
        done: trained and tested.
        going: queued or running, each with its job.
        failed: the job is gone; each with the reason.
        new: never submitted, or taken over by this machine since.
    """

    done: list[SweepRun] = field(default_factory=list)
    going: list[tuple[SweepRun, Job]] = field(default_factory=list)
    failed: list[tuple[SweepRun, str]] = field(default_factory=list)
    new: list[SweepRun] = field(default_factory=list)

    @property
    def missing(self) -> list[SweepRun]:
        """The runs to submit."""
        return [*(run for run, _ in self.failed), *self.new]


def sweep_status(runs: Sequence[SweepRun]) -> SweepStatus:
    """Determine the current status of the runs.

    Raises:
        UsageError: a record cannot be read, or squeue does not answer.
    """
    jobs = {run.folder: job for run in runs if training_folder(run) is None and (job := _read_job(run))}
    alive = _queue(next(iter(jobs))) if jobs else set()
    status = SweepStatus()
    for run in runs:
        job = jobs.get(run.folder)
        if training_folder(run) is not None:  # checked after squeue: a job may end in between
            status.done.append(run)
        elif job is None:
            status.new.append(run)
        elif job.job_id in alive:
            status.going.append((run, job))
        else:
            status.failed.append((run, f"job {job.job_id}: {_reason(job.log)}"))
    return status


def note_job(run: SweepRun, job: Job) -> None:
    """Write the record that `sweep_status` reads."""
    write_json(run.folder / JOB, {"job": job.job_id, "log": str(job.log)})


def refuse_queued(runs: Sequence[SweepRun]) -> None:
    """Refuse to start trainings on this machine that SLURM runs or will run.

    Raises:
        UsageError: a run is queued or running.
    """
    if going := sweep_status(runs).going:
        ids = " ".join(job.job_id for _, job in going)
        raise UsageError(
            f"{len(going)} of these runs are queued or running on SLURM: go on with --cluster slurm, "
            f"or end them by scancel {ids}"
        )


def _read_job(run: SweepRun) -> Job | None:
    """Read the job of a run; None if it has none."""
    file = run.folder / JOB
    if not file.is_file():
        return None
    advice = "its job is not known; if squeue shows none of this sweep, delete it"
    note = read_json(file, "job", "log", advice=advice)
    return Job(str(note["job"]), Path(str(note["log"])))


def _queue(noted: Path) -> set[str]:
    """List the queued and running jobs; `noted` is a folder with a recorded job, for the error."""
    # of all users, as two may share a sweep; naming a job that SLURM has forgotten would be an error
    command = ["squeue", "--all", "--array", "--noheader", "--format=%i"]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("SQUEUE_")}  # filters
    try:
        answer = subprocess.run(command, env=plain, capture_output=True, text=True, check=True)
    except FileNotFoundError as error:
        raise UsageError(
            f"there is no SLURM here (no squeue) to say whether the job in {noted / JOB} still runs: "
            "use a login node of the cluster, or delete such files if none does"
        ) from error
    except subprocess.CalledProcessError as error:
        reason = " ".join(error.stderr.split()) or f"exit code {error.returncode}"
        raise UsageError(f"squeue cannot say which jobs run, so nothing was started: {reason}") from error
    return set(answer.stdout.split())


def _reason(log: Path) -> str:
    """Return the last line of a log, and where the log is."""
    if not log.is_file():
        return f"it left no log {log}"
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
    printed = [line for line in lines if line and not line.startswith("srun: ")]
    return f"{printed[-1].removeprefix('error: ') if printed else 'it printed nothing'}; its log: {log}"
