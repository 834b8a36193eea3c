"""A folder that appears when it is whole, and not before."""

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from recipes.command_line.errors import UsageError


def check_place(out: Path, overwrite: bool, own: Collection[str]) -> None:
    """Refuse to replace anything that is not an export, and an export unless that is wanted.

    Args:
        out: the folder to write.
        overwrite: an export may be replaced.
        own: names of the files of an export.

    Raises:
        UsageError: something else is there.
    """
    if not out.exists():
        return
    if not out.is_dir() or not {path.name for path in out.iterdir()} <= set(own):
        raise UsageError(f"{out} holds something else than an export; give another --out")
    if any(out.iterdir()) and not overwrite:
        raise UsageError(f"{out} is there already; replace it with --overwrite true, or give another --out")


@contextmanager
def written_at_once(out: Path) -> Iterator[Path]:
    """A folder beside `out` to write into, which takes its place at the end, or is removed by an error."""
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
