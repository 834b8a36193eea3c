"""The command line of `recipes/sweep.py`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jsonargparse import Namespace
from jsonargparse.typing import PositiveInt

from recipes.cluster.submit_options import Slurm
from recipes.command_line.errors import RecipeParser
from recipes.command_line.jobs import job_parser
from recipes.command_line.usage_error import UsageError

ABOUT = """Run a W&B sweep file without W&B's server, and choose among its settings by validation. Writes a
table over seeds, the trade-off, and the test of the chosen setting. Options after -- are added to every
training. The same command resumes an interrupted sweep; on SLURM it submits what is missing, then reports."""


@dataclass(kw_only=True)
class SweepOptions:
    """Options of the command.

    Args:
        out: Folder to write; null: runs/sweeps/<the file's name>.
        cluster: local: processes of this machine; slurm: an array with a job for each run.
        processes: Trainings at the same time on this machine; null: 1.
        slurm: Options of the SLURM job, such as --slurm.partition gpu.
        dry_run: Print what would be started or submitted.
        leakage_at_most: Choose the setting of highest utility (val/verification_auc, else val/accuracy) whose
            mean leakage is at most this; null: the best mean of the metric in the file.
    """

    out: Path | None = None
    cluster: Literal["local", "slurm"] = "local"
    processes: PositiveInt | None = None
    slurm: Slurm | None = None
    dry_run: bool = False
    leakage_at_most: float | None = None


def make_parser() -> RecipeParser:
    """Build the command line."""
    parser = job_parser(ABOUT)
    parser.add_argument("sweep", type=str, help="The file, or its name in configs/: sweeps/lntl_lambda.yaml.")
    parser.add_class_arguments(SweepOptions)
    return parser


def split_extra(args: list[str]) -> tuple[list[str], list[str]]:
    """Split the arguments at the first `--`."""
    place = args.index("--") if "--" in args else len(args)
    return args[:place], args[place + 1 :]


def check_cluster(config: Namespace) -> None:
    """Refuse options of the other way to train.

    Raises:
        UsageError: there are some.
    """
    if config.cluster == "local" and config.slurm:
        raise UsageError("--slurm and hardware/slurm.yaml are for SLURM: add --cluster slurm")
    if config.cluster == "slurm" and config.processes:
        raise UsageError("--processes is for this machine; on SLURM --slurm.parallel jobs run at a time")
