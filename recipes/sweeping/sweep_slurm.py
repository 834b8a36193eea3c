"""Submit the missing runs of a sweep as one SLURM array."""

import json
from collections.abc import Sequence
from pathlib import Path

from jsonargparse import Namespace

from recipes.cluster.submit_options import Resources, Slurm, check_resumable, requested_resources
from recipes.cluster.submit_slurm import check_slurm, monitoring_hint, sbatch_script, submit
from recipes.command_line.usage_error import UsageError
from recipes.runs.folder_lock import folder_lock
from recipes.sweeping.sweep_job import SweepJob
from recipes.sweeping.sweep_queue import Job, SweepStatus, note_job, sweep_status
from recipes.sweeping.sweep_run_folder import SweepRun, training_folder

FOLDER = "slurm"  # in the sweep's: scripts and logs


def print_array(runs: Sequence[SweepRun], out: Path, name: str, slurm: Slurm) -> None:
    """Print what `submit_missing` would submit, without writing anything.

    Raises:
        UsageError: as `submit_missing`.
    """
    resources = _required_resources(runs)
    status = sweep_status(runs)
    if missing := status.missing:
        print(sbatch_script(slurm, resources, name, out / FOLDER, len(missing)))
    _print_status(status, len(runs))
    for place, run in enumerate(missing):
        print(f"task {place}: {run}: {run.folder}")


def submit_missing(runs: Sequence[SweepRun], out: Path, name: str, slurm: Slurm) -> bool:
    """Submit the runs that are neither done nor queued nor running, and print the status of all.

    Args:
        runs: from `planned_runs`.
        out: their common folder, on a file system that all nodes share.
        name: of the job.
        slurm: options of the job besides the resources that the trainer needs.

    Returns:
        Whether all are done.

    Raises:
        UsageError: SLURM takes no jobs, or the runs need different resources; nothing is submitted then.
    """
    resources = _required_resources(runs)
    if any(training_folder(run) is None for run in runs):
        check_slurm()
    with folder_lock(out, "sweep"):
        status = sweep_status(runs)
        _print_status(status, len(runs))
        if missing := status.missing:
            _submit(missing, resources, out / FOLDER, name, slurm)
    return len(status.done) == len(runs)


def _submit(missing: Sequence[SweepRun], resources: Resources, folder: Path, name: str, slurm: Slurm) -> None:
    for run in missing:
        run.write_parameters()
    jobs = submit([SweepJob(run) for run in missing], "slurm", slurm, resources, name, folder)
    for run, job in zip(missing, jobs, strict=True):
        note_job(run, Job(job.job_id, job.paths.stdout))
    print(f"submitted {len(jobs)} as job {jobs[0].job_id.split('_')[0]}; logs: {folder}")
    print(monitoring_hint(jobs))


def _print_status(status: SweepStatus, total: int) -> None:
    """Print the number of runs of each status, and the reasons of failures."""
    for run, problem in status.failed:
        print(f"failed: {run}: {problem}")
    counts = f"{len(status.done)} done, {len(status.going)} queued or running, {len(status.failed)} failed"
    print(f"{counts}, {len(status.new)} new, of {total}")


def _required_resources(runs: Sequence[SweepRun]) -> Resources:
    """Return the resources that all runs need."""
    wanted: dict[Resources, SweepRun] = {}
    for run in runs:
        config = json.loads(run.config)
        check_resumable(config.get("ckpt_path"), config["seed_everything"])
        wanted.setdefault(requested_resources(Namespace(**config["trainer"])), run)
    if len(wanted) > 1:
        each = ", ".join(
            f"{run} wants {one.nodes} x {one.devices} {'GPUs' if one.gpus else 'processors'}"
            for one, run in wanted.items()
        )
        raise UsageError(f"an array has the same trainer.num_nodes and devices for all runs; here {each}")
    return next(iter(wanted))
