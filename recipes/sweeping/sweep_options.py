"""The command line of `recipes/sweep.py`."""

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


def make_parser() -> RecipeParser:
    """Build the command line."""
    parser = job_parser(ABOUT)
    parser.add_argument("sweep", type=str, help="The file, or its name in configs/: sweeps/lntl_lambda.yaml.")
    parser.add_argument(
        "--out", type=Path | None, help="Folder to write; null: runs/sweeps/<the file's name>."
    )
    parser.add_argument(
        "--cluster",
        type=Literal["local", "slurm"],
        default="local",
        help="local: processes of this machine; slurm: an array with a job for each run.",
    )
    parser.add_argument(
        "--processes", type=PositiveInt | None, help="Trainings at the same time on this machine; null: 1."
    )
    parser.add_argument(
        "--slurm", type=Slurm | None, help="Options of the SLURM job, such as --slurm.partition gpu."
    )
    parser.add_argument(
        "--dry_run",
        type=bool,
        default=False,
        help="Print what would be started or submitted.",
    )
    parser.add_argument(
        "--leakage_at_most",
        type=float | None,
        help="Choose the setting of highest utility (val/verification_auc, else val/accuracy) whose mean "
        "leakage is at most this; null: the best mean of the metric in the file.",
    )
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
