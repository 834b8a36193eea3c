"""Image files: found damaged before a run starts, decoded to RGB arrays."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from pytorch_lightning.utilities import rank_zero_only, rank_zero_warn
from rich.progress import track

from datamodules.errors import DatasetError, first_names

# Loader processes already decode side by side; OpenCV's own threads would only fight over the same cores.
cv2.setNumThreads(0)

_MARKERS = {b"\xff\xd8\xff": ("JPEG", b"\xff\xd9"), b"\x89PNG\r\n\x1a\n": ("PNG", b"IEND\xaeB\x60\x82")}
_PADDING = b"\0\r\n\t \xff"  # what cameras and copying tools put behind the end marker
_TAIL_BYTES = 4096
_CHUNK = 512
_PROGRESS_FROM = 20_000


@dataclass(frozen=True)
class BadImage:
    """An image file that cannot be used, and why."""

    path: Path
    reason: str


def why_bad(path: str | os.PathLike[str]) -> str | None:
    """Why an image file is unusable, or None: a cheap look at its first and last bytes, no decoding.

    Finds missing, empty and cut-short files and those that are neither JPEG nor PNG; not flipped bits inside.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(8)
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL_BYTES))
            tail = file.read()
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if not head:
        return "empty"
    for magic, (kind, end) in _MARKERS.items():
        if head.startswith(magic):
            whole = tail.rstrip(_PADDING).endswith(end)
            return None if whole else f"cut short (no {kind} end marker)"
    return "neither JPEG nor PNG"


def find_bad(paths: Sequence[str | os.PathLike[str]]) -> list[BadImage]:
    """The unusable files among `paths`, in their order; see `why_bad`. Long lists show a progress bar."""

    def check(start: int) -> list[BadImage]:
        reasons = ((path, why_bad(path)) for path in paths[start : start + _CHUNK])
        return [BadImage(Path(path), reason) for path, reason in reasons if reason is not None]

    starts = range(0, len(paths), _CHUNK)
    quiet = len(paths) <= _PROGRESS_FROM or getattr(rank_zero_only, "rank", 0) != 0
    with ThreadPoolExecutor(max_workers=16) as pool:  # waiting for a network disk, not computing
        found = track(pool.map(check, starts), "Checking image files", total=len(starts), disable=quiet)
        return [bad for chunk in found for bad in chunk]


def usable(paths: Sequence[str | os.PathLike[str]], bad_images: Literal["raise", "skip"]) -> np.ndarray:
    """Which image files can be used, (len(paths),) bool; a warning names every one that is left out.

    Raises:
        DatasetError: with `bad_images="raise"` if any cannot; names the first five and the count.
    """
    bad = find_bad(paths)
    names = [f"{image.path} ({image.reason})" for image in bad]
    if bad and bad_images == "raise":
        raise DatasetError(
            f"{len(bad)} of {len(paths)} image files cannot be used: {first_names(names)}; "
            "get them again, or leave them out with --data.init_args.bad_images skip"
        )
    if bad:
        rank_zero_warn(f"{len(bad)} of {len(paths)} image files are left out: {', '.join(names)}")
    left_out = {image.path for image in bad}
    return np.array([Path(path) not in left_out for path in paths], dtype=bool)


def read_rgb(path: str | os.PathLike[str]) -> np.ndarray:
    """Decode an image file into (H, W, 3) uint8 RGB, turned upright by its EXIF orientation.

    Raises:
        DatasetError: if the file is missing, empty or cannot be decoded.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            data = file.read()
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}); get the file again") from error
    image = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR_RGB) if data else None
    if image is None:
        raise DatasetError(f"{path}: cannot be decoded as an image; get the file again")
    return image
