"""`recipes/prepare.py` in this process, on a folder of drawn faces."""

from pathlib import Path

from recipes import prepare
from recipes.command_line.errors import report_errors

FACES = "tests.support.face_tree.FolderFaces"
REPOSITORY = Path(__file__).parents[2]


def arguments(root, out, *more: str) -> list[str]:
    data = [f"--data={FACES}", f"--data.init_args.root={root}"]
    return [*data, f"--out={out}", "--processes=1", "--size=24", "--device=cpu", *more]


def exit_code(arguments: list[str]) -> int:
    """The exit code of the command."""
    try:
        report_errors(lambda: prepare.main(arguments))
    except SystemExit as stopped:
        return stopped.code
    return 0
