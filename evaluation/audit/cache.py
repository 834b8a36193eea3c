"""Cache the frames of an audit, so that an interrupted audit resumes."""

import hashlib
import io
import json
import shutil
import warnings
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evaluation.audit.measuring_code import measuring_digest

Frames = dict[str, pd.DataFrame]

_SUMS = "sums.json"


class AuditCache:
    """Store frames on disk under a hash of the measuring code, the data and the options.

    Args:
        folder: folder of the files; it, or a part of it, may be deleted at any time. Damaged entries are
            measured again: each entry holds the checksums of its files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.code = measuring_digest()

    def get(self, key: dict[str, Any], measure: Callable[[], Frames]) -> Frames:
        """Return the frames of a key from the cache, or measure and store them.

        Args:
            key: everything that the frames depend on, JSON-serialisable.
            measure: returns frames by name, with columns of text, numbers or booleans.
        """
        done = self._entry(key)
        found = _read(done)
        if found is None:
            part = done.with_suffix(".part")
            for left in (part, done):  # left by an interrupted audit, and damaged entries
                shutil.rmtree(left, ignore_errors=True)
            part.mkdir(parents=True)
            for name, frame in measure().items():
                frame.to_parquet(part / f"{name}.parquet")
            sums = {path.name: _sha256(path.read_bytes()) for path in sorted(part.glob("*.parquet"))}
            (part / _SUMS).write_text(json.dumps(sums) + "\n", encoding="utf-8")
            part.rename(done)
            found = _read(done)  # always from disk: a resumed audit must not differ from an uninterrupted one
            if found is None:
                raise OSError(f"{done}: what was written reads differently; is the disk sound?")
        return found

    def holds(self, key: dict[str, Any]) -> bool:
        """Tell whether the frames of a key are in the cache, damaged or not."""
        return self._entry(key).is_dir()

    def last_measured(self) -> str:
        """Return the day of the last measurement in the cache, as 2026-11-30; empty without any."""
        times = [path.stat().st_mtime for path in self.folder.glob(f"*/{_SUMS}")]
        return date.fromtimestamp(max(times)).isoformat() if times else ""

    def _entry(self, key: dict[str, Any]) -> Path:
        text = json.dumps({"code": self.code, **key}, sort_keys=True)
        return self.folder / hashlib.sha256(text.encode()).hexdigest()[:24]


def _read(done: Path) -> Frames | None:
    """Read the frames of an entry; None if there is none, and None with a warning if it is damaged."""
    if not done.is_dir():
        return None
    try:
        sums = json.loads((done / _SUMS).read_text(encoding="utf-8"))
        content = {name: (done / name).read_bytes() for name in sorted(sums)}
        if any(_sha256(content[name]) != digest for name, digest in sums.items()):
            raise ValueError("another checksum")
        return {Path(name).stem: pd.read_parquet(io.BytesIO(text)) for name, text in content.items()}
    except (ValueError, AttributeError, TypeError, FileNotFoundError, IsADirectoryError) as error:
        warnings.warn(f"{done} is damaged ({type(error).__name__}); it is measured again", stacklevel=3)
        return None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def fingerprint(*columns: np.ndarray) -> str:
    """Compute a hexadecimal digest of arrays: their numbers, shapes and types."""
    digest = hashlib.sha256()
    for column in columns:
        digest.update(f"{column.dtype.str}{column.shape}".encode())
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()
