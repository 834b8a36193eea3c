"""Choose a face of a photograph and crop it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from datamodules.loading.face_alignment import align
from datamodules.loading.photo_files import MAX_PIXELS, PIXEL_LIMIT

Mode = Literal["box", "align"]

Select = Literal["largest", "center"]

_SIZES = {"box": 224, "align": 112}

_INTERPOLATION = {"box": "Pillow bilinear", "align": "OpenCV bilinear, area on reduction"}


class NoCropError(Exception):
    """A detected face that cannot be cropped; the message is the reason."""


@dataclass(frozen=True)
class CropOptions:
    """Options of the crops; all of them belong in the key.

    Args:
        mode: "box" resizes the detected box as facenet-pytorch does; "align" moves the five landmarks onto
            the template that most recognisers expect.
        size: side of the crops in pixels; null is 224 for box and 112 for align.
        margin: only for box: pixels of the crop that lie around the detected box, both sides together.
        select: which of several faces: the one with the "largest" box, or nearest the "center" of the image.
        format: "memmap" stores the crops in one array, "jpeg" in a file each.
        quality: of the JPEG files, 1 to 95.
        max_pixels: an image whose header states more is not decoded.

    Raises:
        ValueError: numbers out of range, or a margin with align.
    """

    mode: Mode = "box"
    size: int | None = None
    margin: int = 0
    select: Select = "largest"
    format: Literal["memmap", "jpeg"] = "memmap"
    quality: int = 95
    max_pixels: int = PIXEL_LIMIT

    def __post_init__(self) -> None:
        if self.mode == "align" and self.margin:
            raise ValueError("a margin is for --mode box; align takes what the template takes")
        if not 1 <= self.side <= 4096:
            raise ValueError(f"size is {self.size} pixels, it must be 1 to 4096")
        if not 0 <= self.margin < self.side:
            raise ValueError(
                f"margin is {self.margin} pixels, it must be 0 to {self.side - 1} (below the size)"
            )
        if not 1 <= self.quality <= 95:
            raise ValueError(f"quality is {self.quality}, it must be 1 to 95")
        if not 1 <= self.max_pixels <= MAX_PIXELS:
            raise ValueError(f"max_pixels is {self.max_pixels}, it must be 1 to {MAX_PIXELS}, Pillow's limit")

    @property
    def side(self) -> int:
        """Side of the crops in pixels."""
        return _SIZES[self.mode] if self.size is None else self.size

    @property
    def parameters(self) -> dict[str, str | int]:
        """Options that the crops depend on, for their key; those without effect are left out."""
        chosen: dict[str, str | int] = {"mode": self.mode, "size": self.side, "select": self.select}
        chosen |= {"margin": self.margin} if self.mode == "box" else {}
        chosen |= {"format": self.format, "max_pixels": self.max_pixels}
        chosen |= {"quality": self.quality} if self.format == "jpeg" else {}
        return chosen | {"interpolation": _INTERPOLATION[self.mode]}


def choose_face(boxes: np.ndarray, width: int, height: int, select: Select) -> int:
    """Return the index of the chosen face among `boxes` (k, 4), k >= 1; the first of equals."""
    if select == "largest":
        return int(np.argmax((boxes[:, 2:] - boxes[:, :2]).prod(axis=1)))
    off_centre = (boxes[:, :2] + boxes[:, 2:] - np.array([width, height])) / 2
    return int(np.argmin((off_centre**2).sum(axis=1)))


def crop_box(image: np.ndarray, box: np.ndarray, size: int, margin: int) -> np.ndarray:
    """Crop an (H, W, 3) uint8 image to (size, size, 3) as `facenet_pytorch.extract_face` does.

    The box (4,) grows by margin / (size - margin) of its sides, is clipped to the image and cut to whole
    pixels, and is resized to a square whatever its shape.

    Raises:
        NoCropError: no pixel of the image lies in the box.
    """
    height, width = image.shape[:2]
    if not np.isfinite(box).all():
        raise NoCropError("the box is not finite")
    grow = margin * (box[2:] - box[:2]) / (size - margin) / 2
    left, top = (int(max(x, 0)) for x in box[:2] - grow)
    right, bottom = (int(min(x, end)) for x, end in zip(box[2:] + grow, (width, height), strict=True))
    if right <= left or bottom <= top:
        raise NoCropError("the box lies outside the image or is empty")
    cut = Image.fromarray(image[top:bottom, left:right])
    return np.asarray(cut.resize((size, size), Image.Resampling.BILINEAR))


def cut_face(image: np.ndarray, box: np.ndarray, landmarks: np.ndarray, options: CropOptions) -> np.ndarray:
    """Crop one face with its `box` (4,) and five `landmarks` (5, 2) to (side, side, 3).

    Raises:
        NoCropError: the box is empty, or the landmarks coincide.
    """
    if options.mode == "box":
        return crop_box(image, box, options.side, options.margin)
    if not np.isfinite(landmarks).all() or np.ptp(landmarks, axis=0).max() < 1:
        raise NoCropError("the landmarks are one point")
    return align(image, landmarks.astype(np.float64), options.side)
