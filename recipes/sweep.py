"""Run a W&B sweep file without W&B's server, and choose among its settings by validation.

    python recipes/sweep.py sweeps/lntl_lambda.yaml --leakage_at_most 0.35
    python recipes/sweep.py my_sweep.yaml --processes 4 --out runs/my_sweep -- --config data/celeba.yaml
    python recipes/sweep.py my_sweep.yaml --cluster slurm --config hardware/slurm.yaml --slurm.partition gpu

Options after -- are added to every training. The same command resumes an interrupted sweep. If a training
fails, it is named and the others continue; the exit code is then 1, and 2 for a mistake, found before any
training starts. On SLURM it submits an array and returns; the same command later prints the status, resubmits
failed runs, and reports once all are done.

A grid is all that it runs. Optuna or Ray Tune would add adaptive search, early stopping and a queue without
SLURM, but each has its own search space and log: here the file stays one that `wandb sweep` takes, and the
grid is the trade-off curve that a comparison of methods needs.
"""

import shlex
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from jsonargparse import Namespace
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from recipes.cluster.submit_options import Slurm
from recipes.command_line.jobs import parse_job, run_resumable, usage_errors
from recipes.command_line.output_path import check_output
from recipes.runs.data_check import refuse_changed_data
from recipes.sweeping.sweep_commands import planned_runs
from recipes.sweeping.sweep_file import Sweep, read_sweep
from recipes.sweeping.sweep_options import check_cluster, make_parser, split_extra
from recipes.sweeping.sweep_report import report
from recipes.sweeping.sweep_run_folder import SweepRun, training_folder
from recipes.sweeping.sweep_runs import run_all
from recipes.sweeping.sweep_slurm import print_array, submit_missing
from recipes.sweeping.sweep_table import RunResult

OFFLINE = "*/*/*/wandb/offline-run-*"  # below hash, experiment and time of a training


def main(args: list[str] | None = None) -> None:
    """Train what is missing, then choose, print and write."""
    own, extra = split_extra(sys.argv[1:] if args is None else args)
    config = parse_job(make_parser(), own)
    check_cluster(config)
    sweep = read_sweep(config.sweep)
    out = (config.out or Path("runs", "sweeps", sweep.path.stem)).expanduser()
    check_output(out, folder=True)
    if config.cluster == "local":
        runs = planned_runs(sweep, out, extra)
        _check_data(runs)
        if config.dry_run:
            _print_plan(runs, config.processes or 1)
            return
        failed = _train_here(runs, out, config.processes or 1)
    else:
        out, failed = out.absolute(), 0  # sbatch may start jobs in another folder
        runs = planned_runs(sweep, out, extra)
        _check_data(runs)
        if not _train_on_slurm(runs, out, sweep, config):
            return
    _gather(sweep, runs, out, config.leakage_at_most)
    if failed:
        sys.exit(1)


def _check_data(runs: Sequence[SweepRun]) -> None:
    """Refuse runs that were trained on other data than the current ones."""
    done = [training for run in runs if (training := training_folder(run)) is not None]
    refuse_changed_data(done, "the sweep")


def _print_plan(runs: Sequence[SweepRun], processes: int) -> None:
    """Print how many trainings would start on this machine, and their commands; write nothing."""
    missing = [run for run in runs if training_folder(run) is None]
    print(
        f"{len(runs)} runs, {len(runs) - len(missing)} done, {len(missing)} to train, {processes} at a time"
    )
    for run in missing:
        print(f"{run}:\n  {shlex.join(run.command)}")


def _train_here(runs: Sequence[SweepRun], out: Path, processes: int) -> int:
    """Train in processes of this machine; return how many failed."""
    failed, errors = 0, Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors) as bar, closing(run_all(runs, out, processes)) as ended:
        done = sum(training_folder(run) is not None for run in runs)
        task = bar.add_task("trainings", total=len(runs), completed=done)
        for run, problem in ended:
            bar.advance(task)
            if problem:
                failed += 1
                bar.console.print(Text(f"failed: {run}: {problem}"), soft_wrap=True)
    if failed:
        line = f"error: {failed} of {len(runs)} runs failed; the same command tries them again"
        errors.print(Text(line), soft_wrap=True)
    return failed


def _train_on_slurm(runs: Sequence[SweepRun], out: Path, sweep: Sweep, config: Namespace) -> bool:
    """Submit to SLURM; return whether there are results to gather."""
    with usage_errors():
        slurm = Slurm(**(config.slurm.as_dict() if config.slurm else {}))
    if config.dry_run:
        print_array(runs, out, sweep.path.stem, slurm)
        return False
    return submit_missing(runs, out, sweep.path.stem, slurm)


def _gather(sweep: Sweep, runs: Sequence[SweepRun], out: Path, leakage_at_most: float | None) -> None:
    """Choose, print and write, if any run is done."""
    console = Console()
    if any(out.glob(OFFLINE)):
        where = f"{shlex.quote(str(out))}/{OFFLINE}"
        console.print(Text(f"to upload what W&B logged offline: wandb sync {where}"), soft_wrap=True)
    results = [RunResult(run.parameters, training_folder(run)) for run in runs]
    if any(result.training for result in results):
        report(sweep, results, out, leakage_at_most, console)
        console.print(Text(f"wrote {out}/sweep.csv, sweep.md, chosen.csv"), soft_wrap=True)


if __name__ == "__main__":
    run_resumable(main)
