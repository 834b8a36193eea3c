"""Run a published table or figure, from the data to the page that shows it beside our results.

    python recipes/reproduce.py --config paper/table_4_1.yaml --out reproduced
    python recipes/reproduce.py --config paper/table_4_1.yaml --config paper/on_synthetic.yaml --out synthetic

Every step (recipes/prepare.py, train.py, embed.py, erase.py, audit.py) has a folder, named by a hash of its
code, arguments and inputs, and runs once. The same command, or another page of the same study, reuses
finished steps. --dry_run true prints the commands.
"""

import shlex
from pathlib import Path

import yaml
from jsonargparse import Namespace
from omegaconf.errors import OmegaConfBaseException
from rich.console import Console
from rich.markup import escape

from evaluation.reproduction.page import write_page
from evaluation.reproduction.published import Published
from recipes.command_line.config_lookup import find_config
from recipes.command_line.errors import RecipeParser
from recipes.command_line.jobs import job_parser, parse_job, run_resumable
from recipes.command_line.output_path import check_output
from recipes.command_line.usage_error import UsageError
from recipes.reproducing.reproduce_keys import job_keys
from recipes.reproducing.reproduce_plan import Job, JobId, plan_jobs
from recipes.reproducing.reproduce_steps import StudyRunner
from recipes.reproducing.reproduce_study import add_study_arguments, with_study
from recipes.runs.data_check import refuse_changed_data
from recipes.runs.folder_lock import folder_lock


def make_parser() -> RecipeParser:
    """Build the command line."""
    parser = job_parser(
        "Run a published table or figure, from the data to the page that shows it beside our results."
    )
    parser.add_argument(
        "--study", type=str, required=True, help="File of datasets, variants, steps and deviations."
    )
    parser.add_argument("--published", type=str, required=True, help="File of the published results.")
    parser.add_argument("--seeds", type=list[int], default=[0, 1, 2], help="Seeds of all trainings.")
    add_study_arguments(parser)
    parser.add_argument(
        "--out", type=Path, default=Path("reproduced"), help="Folder of the steps and the page."
    )
    parser.add_argument(
        "--dry_run", type=bool, default=False, help="Print the commands without running them."
    )
    return parser


def read_options(args: list[str] | None) -> tuple[Namespace, Published]:
    """Read the options, completed by the study's, and the published results."""
    try:
        config = with_study(parse_job(make_parser(), args))
    except OmegaConfBaseException as error:  # such as an environment variable that is not set
        raise UsageError(str(error).splitlines()[0]) from error
    path = find_config(config.published)
    try:
        return config, Published.parse(yaml.safe_load(Path(path).read_text()))
    except (TypeError, ValueError) as error:
        raise UsageError(f"{path}: {error}") from error


def run_jobs(jobs: list[Job], keys: dict[JobId, str], runner: StudyRunner, lock: int | None) -> None:
    """Run the unfinished jobs, each holding the lock of the folder; without a lock only print them."""
    console = Console(soft_wrap=True)
    for place, job in enumerate(jobs, 1):
        title = f"{place}/{len(jobs)} {job.title}"
        if runner.done(job, keys[job.id]):
            console.print(f"{title}: done before", markup=False, highlight=False)
        elif lock is None:
            command = shlex.join(runner.command(job, keys))
            console.print(f"{title}: to do\n    {command}", markup=False, highlight=False)
        else:
            with console.status(escape(title)):
                seconds = runner.run(job, keys, lock)
            console.print(f"{title}: {seconds:.0f} s", markup=False, highlight=False)


def main(args: list[str] | None = None) -> None:
    """Run the unfinished steps, then write the page."""
    config, published = read_options(args)
    jobs = plan_jobs(config.steps, config.datasets, config.seeds, published.steps, config.variants)
    keys = job_keys(jobs)
    out = config.out.expanduser().absolute()
    if not config.dry_run:
        check_output(out, folder=True)
    runner = StudyRunner(out / "steps")
    done = [(job, keys[job.id]) for job in jobs if job.recipe == "train" and runner.done(job, keys[job.id])]
    trained = [Path(runner.output(job, key, "results") or "").parent for job, key in done]
    refuse_changed_data(trained, "the reproduction")
    if config.dry_run:
        run_jobs(jobs, keys, runner, lock=None)
        return
    with folder_lock(out, "reproduction") as lock:
        run_jobs(jobs, keys, runner, lock)
        page = write_page(
            published,
            runner.outputs(jobs, keys, published.audits, "audit"),
            results=runner.outputs(jobs, keys, published.trainings, "results"),
            deviations=config.deviations,
            facts=runner.table(jobs, keys),
            folder=out,
        )
    print(f"wrote {page} and {page.with_suffix('.md').name}")


if __name__ == "__main__":
    run_resumable(main)
