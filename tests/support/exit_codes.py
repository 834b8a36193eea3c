"""Exit codes of commands that run in this process."""

from collections.abc import Callable

from recipes.command_line.errors import report_errors


def exit_code(main: Callable[[], object]) -> int:
    """Run a command, with its errors reported as on the command line, and return its exit code."""
    try:
        report_errors(main)
    except SystemExit as stopped:
        return stopped.code
    return 0
