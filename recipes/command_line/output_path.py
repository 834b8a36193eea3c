"""Check that the output of a recipe can be written, before hours of work."""

import tempfile
from pathlib import Path

from recipes.command_line.usage_error import UsageError

_checked: list[Path] = []


def check_output(path: str | Path, *, folder: bool = False) -> None:
    """Refuse an output path that cannot be written.

    Args:
        path: a file, or a folder, to write; neither it nor its parents need to be there.
        folder: which of the two it is.

    Raises:
        UsageError: one line that names the path and what is in the way.
    """
    path = Path(path).expanduser()
    try:
        if path.exists() and path.is_dir() != folder:
            kinds = ("a folder", "a file") if path.is_dir() else ("a file", "a folder")
            raise UsageError(f"{path} is {kinds[0]}, where {kinds[1]} is to be written; give another path")
        place = path if folder else path.parent
        while not place.exists() and place != place.parent:
            place = place.parent
        if not place.is_dir():
            raise UsageError(f"{path}: {place} is no folder; give another path")
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror}); give another path") from error
    _checked[:] = [path]


def checked_output() -> Path | None:
    """Return the path that was checked last, for system errors that name none."""
    return _checked[0] if _checked else None
