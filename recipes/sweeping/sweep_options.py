"""The options of `recipes/sweep.py`."""

from pathlib import Path
from typing import Literal

from jsonargparse import Namespace
from jsonargparse.typing import PositiveInt

from recipes.cluster.submit_options import Slurm
from recipes.command_line.errors import RecipeParser, UsageError
from recipes.command_line.jobs import job_parser

ABOUT = """Run a W&B sweep file without W&B's server, and choose among its settings by validation. Writes a
table over seeds, the trade-off, and the test of the chosen setting. Options after -- go to every training.
Started again, it goes on where it stopped. On SLURM it submits what is missing, and in the end reports."""


def make_parser() -> RecipeParser:
    """Options of the recipe."""
    parser = job_parser(ABOUT)
    parser.add_argument("sweep", type=str, help="The file, or its name in configs/: sweeps/lntl_lambda.yaml.")
    parser.add_argument(
        "--out", type=Path | None, help="Folder to write; null: runs/sweeps/<the file's name>."
    )
    parser.add_argument(
        "--cluster",
        type=Literal["local", "slurm"],
        default="local",
        help="local: processes of this machine; slurm: an array of jobs, each with a run.",
    )
    parser.add_argument(
        "--processes", type=PositiveInt | None, help="Trainings at a time on this machine; null: 1."
    )
    parser.add_argument(
        "--slurm", type=Slurm | None, help="What SLURM is asked for: --slurm.partition gpu, and more."
    )
    parser.add_argument(
        "--dry_run", type=bool, default=False, help="Print what would be started or submitted, start nothing."
    )
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


def check_cluster(config: Namespace) -> None:
    """Refuse options of the other way to train.

    Raises:
        UsageError: there are some.
    """
    if config.cluster == "local" and config.slurm:
        raise UsageError("--slurm and hardware/slurm.yaml are for SLURM: add --cluster slurm")
    if config.cluster == "slurm" and config.processes:
        raise UsageError("--processes is for this machine; on SLURM --slurm.parallel jobs run at a time")
