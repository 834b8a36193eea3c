"""Let one process at a time work in a folder."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from recipes.command_line.usage_error import UsageError
from storage.locks import LockedError, file_lock


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
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        try:
            file = stack.enter_context(file_lock(folder / "lock"))
        except LockedError as error:
            holder = f" ({error})" if str(error) else ""
            raise UsageError(
                f"another {what} works in {folder}{holder}, or a process that a killed one left: let it end, "
                "end it, or give another --out"
            ) from error
        file.truncate(0)
        file.write(f"process {os.getpid()} of {socket.gethostname()}\n")
        file.flush()
        yield file.fileno()
