"""Write a folder atomically."""

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from recipes.command_line.usage_error import UsageError


def check_place(out: Path, overwrite: bool, own: Collection[str]) -> None:
    """Refuse to replace anything that is not an export, and an export unless `overwrite` is set.

    Args:
        out: the folder to write.
        overwrite: an export may be replaced.
        own: names of the files of an export.

    Raises:
        UsageError: the folder may not be replaced.
    """
    if not out.exists():
        return
    if not out.is_dir() or not {path.name for path in out.iterdir()} <= set(own):
        raise UsageError(f"{out} holds something else than an export; give another --out")
    if any(out.iterdir()) and not overwrite:
        raise UsageError(f"{out} is there already; replace it with --overwrite true, or give another --out")


@contextmanager
def atomic_folder(out: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `out`; it replaces `out` at the end, or is removed after an error."""
    part, old = (out.with_name(f".{out.name}.{os.getpid()}.{kind}") for kind in ("part", "old"))
    part.mkdir(parents=True)
    try:
        yield part
        if out.exists():
            out.rename(old)
        part.rename(out)
    finally:
        for rest in (part, old):
            shutil.rmtree(rest, ignore_errors=True)
