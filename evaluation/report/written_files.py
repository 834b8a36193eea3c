"""Replace the files of an earlier report, and no other files."""

import json
import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.checksums import file_sha256
from storage.json_file import write_json

LIST = "files.json"

_Files = set[tuple[str, str]]  # path below the folder, SHA-256


@contextmanager
def replaced_files(folder: Path) -> Iterator[Path]:
    """Yield an empty folder to write a report into; its files then replace an earlier report in `folder`.

    `files.json` lists the written files. Listed files that the new report lacks are deleted if they are
    unchanged. Files that are not listed stay; one with the name of a new file is kept as `<name>.kept`, with
    a warning. (Without a list, the folder is of an older version, and such files are replaced.) If writing
    fails, the earlier report stays complete.
    """
    part = folder / ".report.part"
    shutil.rmtree(part, ignore_errors=True)  # left by an interrupted run
    part.mkdir(parents=True)
    try:
        yield part
        earlier = _listed(folder)
        new = {
            (path.relative_to(part).as_posix(), file_sha256(path))
            for path in part.rglob("*")
            if path.is_file()
        }
        names = {name for name, _ in new}
        write_json(
            folder / LIST, sorted((earlier or set()) | new)
        )  # so that none is forgotten if this is interrupted
        known = names if earlier is None else {name for name, _ in earlier}
        for name in sorted(names):
            _move(part / name, folder / name, ours=name in known)
        for name, digest in sorted(earlier or set()):
            path = folder / name
            if name not in names and path.is_file() and file_sha256(path) == digest:
                path.unlink()
        write_json(folder / LIST, sorted(new))
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _move(source: Path, target: Path, ours: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() and not ours and file_sha256(target) != file_sha256(source):
        kept = target.with_name(f"{target.name}.kept")
        warnings.warn(f"{target} is not of an earlier report; it is kept as {kept.name}", stacklevel=4)
        target.replace(kept)
    os.replace(source, target)


def _listed(folder: Path) -> _Files | None:
    """Read the list, without paths outside the folder; None if there is no readable list."""
    try:
        listed = json.loads((folder / LIST).read_text(encoding="utf-8"))
        files = {(str(name), str(digest)) for name, digest in listed}
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        warnings.warn(f"{folder / LIST} is damaged: files of earlier reports stay", stacklevel=4)
        return None
    inside = folder.resolve()
    return {(name, digest) for name, digest in files if (inside / name).resolve().is_relative_to(inside)}
