"""Run a W&B sweep file without W&B's server, and choose among its settings by validation.

    python recipes/sweep.py sweeps/lntl_lambda.yaml --leakage_at_most 0.35
    python recipes/sweep.py my_sweep.yaml --processes 4 --out runs/my_sweep -- --config data/celeba.yaml

Options after -- are added to every training. Started again, it goes on where it stopped. A training that
fails is named and the others go on; the exit code is then 1, and 2 for a mistake, found before any starts.
"""

import shlex
import signal
import sys
from contextlib import closing
from pathlib import Path

from jsonargparse.typing import PositiveInt
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from recipes.errors import RecipeParser
from recipes.jobs import job_parser, parse_job, run_resumable
from recipes.sweep_commands import planned_runs
from recipes.sweep_file import read_sweep
from recipes.sweep_report import report
from recipes.sweep_runs import run_all, training_folder
from recipes.sweep_table import Ran

ABOUT = """Run a W&B sweep file without W&B's server, and choose among its settings by validation. Writes a
table over seeds, the trade-off, and the test of the chosen setting. Options after -- go to every training.
Started again, it goes on where it stopped."""
OFFLINE = "*/*/*/wandb/offline-run-*"  # a training's hash, its experiment, its time


def make_parser() -> RecipeParser:
    """Options of the recipe."""
    parser = job_parser(ABOUT)
    parser.add_argument("sweep", type=str, help="The file, or its name in configs/: sweeps/lntl_lambda.yaml.")
    parser.add_argument(
        "--out", type=Path | None, help="Folder to write; null: runs/sweeps/<the file's name>."
    )
    parser.add_argument("--processes", type=PositiveInt, default=1, help="Trainings at a time.")
    parser.add_argument(
        "--leakage_at_most",
        type=float | None,
        help="Choose the setting of most utility (val/verification_auc, else val/accuracy) whose mean "
        "leakage is at most this; null: the best mean of the metric in the file.",
    )
    return parser


def split_extra(args: list[str]) -> tuple[list[str], list[str]]:
    """What stands before the first `--`, and what after it."""
    place = args.index("--") if "--" in args else len(args)
    return args[:place], args[place + 1 :]


def main(args: list[str] | None = None) -> None:
    """Train what is missing, choose, print and write."""
    own, extra = split_extra(sys.argv[1:] if args is None else args)
    config = parse_job(make_parser(), own)
    console, errors = Console(), Console(stderr=True)
    sweep = read_sweep(config.sweep)
    out = (config.out or Path("runs", "sweeps", sweep.path.stem)).expanduser()
    runs = planned_runs(sweep, out, extra)
    failed = 0
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors) as bar, closing(run_all(runs, out, config.processes)) as ended:
        done = sum(training_folder(run) is not None for run in runs)
        task = bar.add_task("trainings", total=len(runs), completed=done)
        for run, problem in ended:
            bar.advance(task)
            if problem:
                failed += 1
                bar.console.print(Text(f"failed: {run}: {problem}"), soft_wrap=True)
    if any(out.glob(OFFLINE)):
        where = f"{shlex.quote(str(out))}/{OFFLINE}"
        console.print(Text(f"to upload what W&B logged offline: wandb sync {where}"), soft_wrap=True)
    if failed:
        line = f"error: {failed} of {len(runs)} runs failed; the same command tries them again"
        errors.print(Text(line), soft_wrap=True)
    if failed < len(runs):
        results = [Ran(run.parameters, training_folder(run)) for run in runs]
        report(sweep, results, out, config.leakage_at_most, console)
        console.print(Text(f"wrote {out}/sweep.csv, sweep.md, chosen.csv"), soft_wrap=True)
    if failed:
        sys.exit(1)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what schedulers send ends it as Ctrl-C does
    run_resumable(main)
