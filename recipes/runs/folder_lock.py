"""One process at a time in a folder."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recipes.command_line.errors import UsageError


@contextmanager
def folder_lock(folder: Path, what: str) -> Iterator[int]:
    """Hold a folder's lock, which ends with the process; makes the folder if it is not there.

    Args:
        folder: holds the file `lock`, which stays and says who held it last.
        what: works in the folder, for the error.

    Yields:
        A file descriptor; a process that inherits it holds the lock as well, after the death of this one.

    Raises:
        UsageError: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "a+") as file:  # for writing, or network file systems give no exclusive lock
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = f" ({name})" if (name := file.read(200).strip()) else ""
            raise UsageError(
                f"another {what} works in {folder}{holder}, or a process that a killed one left: let it end, "
                "end it, or give another --out"
            ) from error
        file.truncate(0)
        file.write(f"process {os.getpid()} of {socket.gethostname()}\n")
        file.flush()
        yield file.fileno()
