"""Lock files: held by a process and released when it ends, on network file systems as well."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


class LockedError(Exception):
    """Another process holds the lock; the message is the text that it wrote into the file."""


@contextmanager
def file_lock(
    path: Path,
    *,
    shared: bool = False,
    wait: bool = False,
    busy: Callable[[str], Exception] = LockedError,
) -> Iterator[IO[str]]:
    """Hold a lock and yield its open file; a process that inherits the descriptor holds it as well.

    Args:
        path: the lock file; it is not removed.
        shared: other processes may hold a shared lock at the same time.
        wait: wait for the lock instead of raising.
        busy: makes the error to raise if another process holds it, of the text that it wrote into the file.

    Raises:
        LockedError: another process holds it, unless `busy` makes another error.
    """
    # on network file systems an exclusive lock needs a writable file, a shared one a readable file
    with open(path, "a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            file.seek(0)
            raise busy(file.read(200).strip()) from None
        yield file
