"""One process at a time in a folder."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recipes.errors import UsageError


@contextmanager
def folder_lock(folder: Path, what: str) -> Iterator[int]:
    """Hold a folder's lock, which ends with the process; makes the folder if it is not there.

    Args:
        folder: holds the file `lock`, which stays.
        what: works in the folder, for the error.

    Yields:
        A file descriptor; a process that inherits it holds the lock as well, after the death of this one.

    Raises:
        UsageError: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as file:  # for writing, or network file systems give no exclusive lock
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(
                f"another {what} works in {folder}, or a process that a killed one left: let it end, "
                "end it, or give another --out"
            ) from error
        yield file.fileno()
