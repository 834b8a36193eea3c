"""What an audit has measured already, so that one that was stopped goes on."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

Frames = dict[str, pd.DataFrame]

_CODE = Path(__file__).parent.parent
_WORDS = "report"  # the package that changes no number


class AuditCache:
    """Frames on disk, by a hash of the code that measures, of what was measured, and how.

    Args:
        folder: of the files; it may be deleted at any time.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.code = _digest_of_code()

    def get(self, key: dict[str, Any], measure: Callable[[], Frames]) -> Frames:
        """What `measure()` returns, or has returned before for the same key.

        Args:
            key: everything that the frames depend on, as JSON can write it.
            measure: returns frames by name, with text, numbers or truth values in their columns.
        """
        text = json.dumps({"code": self.code, **key}, sort_keys=True)
        done = self.folder / hashlib.sha256(text.encode()).hexdigest()[:24]
        if not done.is_dir():
            part = done.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)  # of one that was stopped
            part.mkdir(parents=True)
            for name, frame in measure().items():
                frame.to_parquet(part / f"{name}.parquet")
            part.rename(done)
        # read in either case: what goes on must not differ from what never stopped
        return {path.stem: pd.read_parquet(path) for path in sorted(done.glob("*.parquet"))}


def fingerprint(*columns: np.ndarray) -> str:
    """A hexadecimal digest of arrays: their numbers, shapes and types."""
    digest = hashlib.sha256()
    for column in columns:
        digest.update(f"{column.dtype.str}{column.shape}".encode())
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()


def _digest_of_code() -> str:
    """Of the modules that measure: what another version of them found does not count."""
    digest = hashlib.sha256()
    for path in sorted(_CODE.rglob("*.py")):
        name = path.relative_to(_CODE)
        if name.parts[0] != _WORDS:
            digest.update(name.as_posix().encode() + path.read_bytes())
    return digest.hexdigest()
