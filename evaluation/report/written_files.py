"""Files of a report that replace those of the report before, and nobody else's."""

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
    """An empty folder to write a report into, whose files then replace the earlier report's in `folder`.

    `files.json` lists what was written. Files that it lists and the new report has not are deleted, if they
    are as they were written. Files that it does not list stay; one that is in the way is kept as
    `<name>.kept`, with a warning. (Where there is no list yet, the folder is an older version's, and what is
    in the way is replaced.) If an error ends the writing, the earlier report is whole.
    """
    part = folder / ".report.part"
    shutil.rmtree(part, ignore_errors=True)  # of one that was killed
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
        )  # so that none is forgotten if this is killed
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
    """What the list holds, of paths inside the folder; None if there is none that can be read."""
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
