"""Submits what is missing of a sweep as one array of SLURM."""

import json
from collections.abc import Sequence
from pathlib import Path

from jsonargparse import Namespace

from recipes.cluster.submit_options import Machines, Slurm, check_resumable, machines
from recipes.cluster.submit_slurm import check_slurm, how_to_look, sbatch_script, submit
from recipes.command_line.errors import UsageError
from recipes.runs.folder_lock import folder_lock
from recipes.sweeping.sweep_job import SweepJob
from recipes.sweeping.sweep_queue import Job, Standing, note_job, standing
from recipes.sweeping.sweep_run_folder import SweepRun, training_folder

FOLDER = "slurm"  # in the sweep's: scripts and logs


def print_array(runs: Sequence[SweepRun], out: Path, name: str, slurm: Slurm) -> None:
    """Print what `submit_missing` would submit, and write nothing.

    Raises:
        UsageError: as `submit_missing`.
    """
    asked = _asked(runs)
    stand = standing(runs)
    if missing := stand.missing:
        print(sbatch_script(slurm, asked, name, out / FOLDER, len(missing)))
    _say(stand, len(runs))
    for place, run in enumerate(missing):
        print(f"task {place}: {run}: {run.folder}")


def submit_missing(runs: Sequence[SweepRun], out: Path, name: str, slurm: Slurm) -> bool:
    """Submit the runs that are neither done nor queued nor running, and say how all stand.

    Args:
        runs: of `planned_runs`.
        out: their common folder, seen by all nodes.
        name: of the job.
        slurm: what SLURM is asked for, beside the machines of the trainer.

    Returns:
        Whether all are done.

    Raises:
        UsageError: SLURM takes no jobs, or the runs want different machines; nothing is submitted then.
    """
    asked = _asked(runs)
    if any(training_folder(run) is None for run in runs):
        check_slurm()
    with folder_lock(out, "sweep"):
        stand = standing(runs)
        _say(stand, len(runs))
        if missing := stand.missing:
            _submit(missing, asked, out / FOLDER, name, slurm)
    return len(stand.done) == len(runs)


def _submit(missing: Sequence[SweepRun], asked: Machines, folder: Path, name: str, slurm: Slurm) -> None:
    for run in missing:
        run.write_parameters()
    jobs = submit([SweepJob(run) for run in missing], "slurm", slurm, asked, name, folder)
    for run, job in zip(missing, jobs, strict=True):
        note_job(run, Job(job.job_id, job.paths.stdout))
    print(f"submitted {len(jobs)} as job {jobs[0].job_id.split('_')[0]}; logs: {folder}")
    print(how_to_look(jobs))


def _say(stand: Standing, total: int) -> None:
    """Print how many of the runs are where, and what failed."""
    for run, problem in stand.failed:
        print(f"failed: {run}: {problem}")
    counts = f"{len(stand.done)} done, {len(stand.going)} queued or running, {len(stand.failed)} failed"
    print(f"{counts}, {len(stand.new)} new, of {total}")


def _asked(runs: Sequence[SweepRun]) -> Machines:
    """The machines that all runs want."""
    wanted: dict[Machines, SweepRun] = {}
    for run in runs:
        config = json.loads(run.config)
        check_resumable(config.get("ckpt_path"), config["seed_everything"])
        wanted.setdefault(machines(Namespace(**config["trainer"])), run)
    if len(wanted) > 1:
        each = ", ".join(
            f"{run} wants {one.nodes} x {one.devices} {'GPUs' if one.gpus else 'processors'}"
            for one, run in wanted.items()
        )
        raise UsageError(f"an array has the same trainer.num_nodes and devices for all runs; here {each}")
    return next(iter(wanted))
