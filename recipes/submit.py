"""Submit a training, or an array of one per seed, to a SLURM cluster; an interrupted job resumes by itself.

    python recipes/submit.py --config lntl.yaml --config hardware/slurm.yaml --seeds [0,1,2] --dry_run true
    python recipes/submit.py --config lntl.yaml --config data/celeba.yaml --config hardware/ddp_2nodes.yaml \\
        --config hardware/slurm.yaml --seeds [0,1,2]

Takes the options of recipes/train.py, and --slurm.* for the job. The training options are resolved once, into
train.yaml in the log folder; each task runs recipes/train.py on that file with its seed and --resume auto.
"""

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import submitit
import yaml
from jsonargparse import Namespace
from pytorch_lightning.cli import LightningArgumentParser

from recipes.cluster.submit_job import TrainingJob
from recipes.cluster.submit_options import Resources, Slurm, check_resumable, requested_resources
from recipes.cluster.submit_slurm import check_slurm, monitoring_hint, sbatch_script, submit
from recipes.command_line.config_lookup import resolve_configs
from recipes.command_line.errors import report_errors
from recipes.command_line.jobs import usage_errors
from recipes.command_line.output_path import check_output
from recipes.command_line.usage_error import UsageError
from recipes.runs.run_folder import new_run_folder
from recipes.sweeping.sweep_commands import TrainOptions
from storage.atomic import replace_file

ABOUT = """Submit a training, or an array of one per seed, to SLURM. Takes the options of recipes/train.py;
--slurm.* describes the job, but nodes, tasks and GPUs follow from the trainer."""
_OWN = ("slurm", "seeds", "cluster", "logs", "dry_run")


@dataclass(kw_only=True)
class Submission:
    """Options of the submission.

    Args:
        seeds: One job for each; null: one job, with seed_everything.
        cluster: local: run on this machine, to try.
        logs: Parent of the log folders; on a file system that all nodes share.
        dry_run: Print the script without submitting it.
    """

    seeds: list[int] | None = None
    cluster: Literal["slurm", "local"] = "slurm"
    logs: Path = Path("runs/submitted")
    dry_run: bool = False


class SubmitOptions(TrainOptions):
    """The options of `recipes/train.py`, and those of the submission."""

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the options of the submission."""
        super().add_arguments_to_parser(parser)
        parser.description = ABOUT
        parser.add_class_arguments(Slurm, "slurm")
        parser.add_class_arguments(Submission)


def main() -> None:
    """Submit the training of the command line."""
    submit_training(sys.argv[1:])


def submit_training(args: list[str]) -> list[submitit.Job[None]]:
    """Check and submit, then print where to look; return the jobs (none after a dry run)."""
    parser = SubmitOptions().parser
    given = parser.parse_args(resolve_configs(args))
    with usage_errors():
        slurm = Slurm(**given.slurm.as_dict())
    _check(given)
    resources = requested_resources(given.trainer)
    seeds = given.seeds if given.seeds is not None else [given.seed_everything]
    logs = given.logs.expanduser().absolute()
    if given.dry_run:
        folder = logs / given.experiment / "DRY_RUN"
        print(sbatch_script(slurm, resources, given.experiment, folder, len(seeds)))
        return []
    _check_cluster(given.cluster, resources)
    resolved = yaml.safe_load(parser.dump(given, skip_unset=False))
    check_output(logs / given.experiment, folder=True)
    folder = new_run_folder(logs, given.experiment)
    config = folder / "train.yaml"
    text = yaml.safe_dump({k: v for k, v in resolved.items() if k not in _OWN}, sort_keys=False)
    # atomically: truncated YAML is still valid YAML, with fewer options
    replace_file(config, lambda file: file.write(text.encode()))
    commands = [["--config", str(config), f"--seed_everything={seed}", "--resume=auto"] for seed in seeds]
    jobs = submit(
        [TrainingJob(x) for x in commands], given.cluster, slurm, resources, given.experiment, folder
    )
    _print_status(jobs, seeds, folder, given.cluster)
    return jobs


def _check(given: Namespace) -> None:
    """Refuse what no job could run."""
    check_resumable(given.ckpt_path, given.seed_everything)
    if given.seeds is not None and (not given.seeds or len(set(given.seeds)) < len(given.seeds)):
        raise UsageError("seeds: name at least one, and each once, such as --seeds [0,1,2]")


def _check_cluster(cluster: str, resources: Resources) -> None:
    """Refuse what this machine cannot do."""
    if cluster == "local" and resources[:2] != (1, 1):
        raise UsageError("--cluster local runs one process: add --trainer.num_nodes 1 --trainer.devices 1")
    if cluster == "slurm":
        check_slurm()


def _print_status(jobs: list[Any], seeds: list[int], folder: Path, cluster: str) -> None:
    """Print the jobs, and how to monitor them."""
    for job, seed in zip(jobs, seeds, strict=True):
        print(f"job {job.job_id}, seed {seed}: tail -f {shlex.quote(str(job.paths.stdout))}")
    print(f"logs: {folder}")
    if cluster == "slurm":
        print(monitoring_hint(jobs))


if __name__ == "__main__":
    report_errors(main)
