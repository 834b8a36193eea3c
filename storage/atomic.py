"""Write files atomically: a killed process or a full disk leaves the old file complete."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

PARTIAL = ".partial"


@contextmanager
def replacing(path: Path, *, shared: bool = False) -> Iterator[Path]:
    """Yield a path to write a file to; then sync the file to the disk and rename it to `path`.

    Args:
        path: the file; its folder is made if it does not exist.
        shared: several processes may write the same path at the same time. Each then has a partial file with
            its own name, and one left by a killed process is not overwritten by the next write.

    Raises:
        OSError: such as on a full disk; it names `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    own = f".{uuid4().hex[:12]}" if shared else ""
    partial = path.with_name(f"{path.name}{own}{PARTIAL}")
    try:
        partial.unlink(missing_ok=True)
        partial.touch()
        mode = partial.stat().st_mode & 0o777  # that of the umask; some libraries create files with mode 0600
        yield partial
        partial.chmod(mode)
        _sync(partial)
        partial.replace(path)
    except BaseException as error:
        partial.unlink(missing_ok=True)
        for reason in (error, error.__context__):  # torch.save wraps the file's error in a RuntimeError
            if isinstance(reason, OSError) and reason.errno and reason.filename in (None, str(partial)):
                raise OSError(reason.errno, reason.strerror, str(path)) from error
        raise
    if not shared:  # the many parts of a job are written shared, and a missing one is made again
        _sync(path.parent)  # so that the new name survives a power failure too


def replace_file(path: Path, write: Callable[[IO[bytes]], Any], *, shared: bool = False) -> None:
    """Replace a file by what `write` writes to an open file; see `replacing`."""
    with replacing(path, shared=shared) as partial, open(partial, "wb") as file:
        write(file)


def write_bytes(path: Path, content: bytes, *, shared: bool = False) -> None:
    """Replace a file by `content`; see `replacing`."""
    replace_file(path, lambda file: file.write(content), shared=shared)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
