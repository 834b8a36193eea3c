"""Image files: find damaged ones before a run starts, and decode them to RGB arrays."""

import os
import stat
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from PIL import Image
from pytorch_lightning.utilities import rank_zero_only, rank_zero_warn
from rich.progress import track

from datamodules.errors import DatasetError, first_names, visible
from datamodules.loading.image_header import JPEG, PNG, is_plain_png, png_fault, size_of
from datamodules.loading.photo_files import (
    FORMATS,
    PIXEL_LIMIT,
    UnreadablePhotoError,
    check_file,
    check_pixels,
    photo_errors,
    read_photo,
)

# Loader processes already decode in parallel; OpenCV's threads would compete for the same cores.
cv2.setNumThreads(0)

_MARKERS = {JPEG: ("JPEG", b"\xff\xd9"), PNG: ("PNG", b"IEND\xaeB\x60\x82")}
_PADDING = b"\0\r\n\t \xff"  # appended by cameras and copying tools
_TAIL_BYTES = 4096
_HEAD_BYTES = 4096
_LONG_HEAD_BYTES = 2**20
_CHUNK = 512
_PROGRESS_FROM = 20_000


@dataclass(frozen=True)
class BadImage:
    """An image file that cannot be used, with the reason."""

    path: Path
    reason: str


def why_bad(path: str | os.PathLike[str]) -> str | None:
    """Return why an image file is unusable, or None, from its first and last bytes, without decoding.

    Finds files that are missing, empty, no regular file, of an unknown format or of too many pixels, and
    truncated JPEG and PNG files; not flipped bytes inside, which are found when the image is read.
    """
    try:
        check_file(path)
        with open(path, "rb", buffering=0) as file:
            head = file.read(_HEAD_BYTES)
            known = next((magic for magic in _MARKERS if head.startswith(magic)), None)
            if known is None:
                with photo_errors(), Image.open(path, formats=FORMATS) as image:
                    check_pixels(image.width, image.height, PIXEL_LIMIT)
                return None
            kind, end = _MARKERS[known]
            length = os.fstat(file.fileno()).st_size
            if length > len(head):
                file.seek(max(0, length - _TAIL_BYTES))
                tail = file.read(_TAIL_BYTES)
            else:
                tail = head
            if not tail.rstrip(_PADDING).endswith(end):
                return f"cut short (no {kind} end marker)"
            size = size_of(head)
            if size is None:  # after a large EXIF or colour profile
                file.seek(0)
                size = size_of(file.read(_LONG_HEAD_BYTES))
            if size is not None:
                check_pixels(*size, PIXEL_LIMIT)
    except UnreadablePhotoError as error:
        return str(error)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return None


def find_bad(paths: Sequence[str | os.PathLike[str]]) -> list[BadImage]:
    """List the unusable files among `paths`, in order; see `why_bad`. Long lists show a progress bar."""

    def check(start: int) -> list[BadImage]:
        reasons = ((path, why_bad(path)) for path in paths[start : start + _CHUNK])
        return [BadImage(Path(path), reason) for path, reason in reasons if reason is not None]

    starts = range(0, len(paths), _CHUNK)
    quiet = len(paths) <= _PROGRESS_FROM or getattr(rank_zero_only, "rank", 0) != 0
    with ThreadPoolExecutor(max_workers=16) as pool:  # they wait for the disk, without computing
        found = track(pool.map(check, starts), "Checking image files", total=len(starts), disable=quiet)
        return [bad for chunk in found for bad in chunk]


def unusable(paths: Sequence[str | os.PathLike[str]], bad_images: Literal["raise", "skip"]) -> dict[str, str]:
    """Find the image files that cannot be used, with the reason; a warning names each of them.

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
        rank_zero_warn(f"{len(bad)} of {len(paths)} image files are left out: {visible(', '.join(names))}")
    return {str(image.path): image.reason for image in bad}


def read_rgb(path: str | os.PathLike[str]) -> np.ndarray:
    """Decode an image file into (H, W, 3) uint8 RGB, turned upright by its EXIF orientation.

    There is one rule for which images are readable (`photo_files`): OpenCV decodes JPEG and plain PNG files,
    where it agrees with Pillow and is faster, and Pillow all others.

    Raises:
        DatasetError: the file is missing, no regular file, has too many pixels or cannot be decoded.
    """
    try:
        data = _content(path)
        if data.startswith(JPEG) or (data.startswith(PNG) and is_plain_png(data)):
            return _decode(data)
        return read_photo(path, PIXEL_LIMIT, detect=False)
    except UnreadablePhotoError as error:
        reason = str(error)
    except OSError as error:
        reason = f"cannot be read ({error.strerror})"
    raise DatasetError(f"{path}: {reason}; get the file again, or leave it out")


def _content(path: str | os.PathLike[str]) -> bytes:
    # non-blocking, so that a pipe without a writer is opened at once and refused
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            check_file(path)
        data = file.read()
    if not data:
        raise UnreadablePhotoError("empty")
    return data


def _decode(data: bytes) -> np.ndarray:
    size = size_of(data)
    if size is not None:
        check_pixels(*size, PIXEL_LIMIT)
    fault = png_fault(data) if data.startswith(PNG) else None
    if fault is not None:
        raise UnreadablePhotoError(f"cannot be decoded ({fault})")
    try:
        image = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error as error:  # such as more pixels than OpenCV takes
        raise UnreadablePhotoError(f"cannot be decoded ({' '.join(str(error.err).split())})") from None
    if image is None:
        raise UnreadablePhotoError("cannot be decoded as an image")
    return image
