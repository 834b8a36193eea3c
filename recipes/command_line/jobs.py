"""What the recipes that do one job without a trainer share: how they read the command line."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from jsonargparse import Namespace

from recipes.command_line.config_lookup import resolve_configs
from recipes.command_line.errors import RecipeParser, UsageError, report_errors


def job_parser(about: str) -> RecipeParser:
    """A parser of `--config`, for the recipe to add its other options to; `about` heads the page of help."""
    parser = RecipeParser(parser_mode="omegaconf", allow_abbrev=False, description=about)
    parser.add_argument("--config", action="config", help="Path of a configuration, or its name in configs/.")
    return parser


def parse_job(parser: RecipeParser, args: list[str] | None) -> Namespace:
    """The options in `args`, or of the command line if None, bare names of configurations looked up."""
    return parser.parse_args(resolve_configs(sys.argv[1:] if args is None else args))


def run_resumable(main: Callable[[], None]) -> None:
    """Run a recipe that goes on where it stopped: as `report_errors`, which says so after a signal."""
    report_errors(main, "run the same command again to go on where it stopped")


@contextmanager
def users_mistakes() -> Iterator[None]:
    """What a constructor refuses with a ValueError herein is the user's to mend: a `UsageError`."""
    try:
        yield
    except ValueError as error:
        raise UsageError(str(error)) from error
