"""`recipes/prepare.py` in this process, on a folder of drawn faces."""

from pathlib import Path

from recipes import prepare
from tests.support.exit_codes import exit_code

FACES = "tests.support.face_tree.FolderFaces"
REPOSITORY = Path(__file__).parents[2]


def arguments(root, out, *more: str) -> list[str]:
    data = [f"--data={FACES}", f"--data.init_args.root={root}"]
    return [*data, f"--out={out}", "--processes=1", "--size=24", "--device=cpu", *more]


def exit_code_of(arguments: list[str]) -> int:
    """The exit code of the command."""
    return exit_code(lambda: prepare.main(arguments))
