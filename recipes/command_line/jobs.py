"""Read the command line of the recipes that do one job without a trainer."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from jsonargparse import Namespace

from recipes.command_line.config_lookup import resolve_configs
from recipes.command_line.errors import RecipeParser, report_errors
from recipes.command_line.usage_error import UsageError


def job_parser(about: str) -> RecipeParser:
    """Build a parser with `--config`, for the recipe to add its options to; `about` is its description."""
    parser = RecipeParser(parser_mode="omegaconf", allow_abbrev=False, description=about)
    parser.add_argument(
        "--config", action="config", help="Path of a configuration file, or its name in configs/."
    )
    return parser


def parse_job(parser: RecipeParser, args: list[str] | None) -> Namespace:
    """Parse `args`, or the command line if None; bare names of configurations are looked up."""
    return parser.parse_args(resolve_configs(sys.argv[1:] if args is None else args))


def run_resumable(main: Callable[[], None]) -> None:
    """Run a recipe that can be resumed: as `report_errors`, with a hint to do so after a signal."""
    report_errors(main, "run the same command again to go on where it stopped")


@contextmanager
def usage_errors() -> Iterator[None]:
    """Turn a ValueError, such as of a constructor, into a `UsageError`."""
    try:
        yield
    except ValueError as error:
        raise UsageError(str(error)) from error
