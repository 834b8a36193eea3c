"""Let one process at a time work in a folder."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recipes.command_line.usage_error import UsageError
from storage.locks import file_lock


@contextmanager
def folder_lock(folder: Path, what: str) -> Iterator[int]:
    """Hold the lock of a folder until the process ends; make the folder if it does not exist.

    Args:
        folder: holds the file `lock`, which stays and names its last holder.
        what: kind of work in the folder, for the error.

    Yields:
        A file descriptor; a process that inherits it holds the lock as well, even after the death of this
        one.

    Raises:
        UsageError: another process holds the lock.
    """

    def busy(holder: str) -> UsageError:
        return UsageError(
            f"another {what} works in {folder}{f' ({holder})' if holder else ''}, or a process that a killed "
            "one left: let it end, end it, or give another --out"
        )

    folder.mkdir(parents=True, exist_ok=True)
    with file_lock(folder / "lock", busy=busy) as file:
        file.truncate(0)
        file.write(f"process {os.getpid()} of {socket.gethostname()}\n")
        file.flush()
        yield file.fileno()
