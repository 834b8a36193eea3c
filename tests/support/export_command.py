"""`recipes/export.py` in this process."""

import pytest

from recipes import export
from recipes.command_line.errors import report_errors


def run_export(*arguments):
    report_errors(lambda: export.main([str(x) for x in arguments]))


def refusal(capsys, *arguments) -> str:
    """The one line that refuses."""
    with pytest.raises(SystemExit) as stopped:
        run_export(*arguments)
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line
