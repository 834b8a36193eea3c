"""Read the face in a photograph, cropped as recipes/prepare.py crops those of a dataset."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from datamodules.cropping.face_crop import CropOptions, NoCropError, choose_face, cut_face
from datamodules.cropping.face_detector import FaceDetector
from datamodules.loading.photo_files import UnreadablePhotoError, read_photo
from recipes.command_line.usage_error import UsageError


class PhotoFace(NamedTuple):
    """A crop for a network, and how it was made."""

    crop: np.ndarray
    """(S, S, 3) uint8 RGB; the whole photograph (H, W, 3) without a detector."""
    faces: int
    """Number of faces found; 0 without a detector."""
    about: str
    """Description of the crop for the user."""


def read_face(path: Path, options: CropOptions, detector: FaceDetector | None) -> PhotoFace:
    """Read a photograph, find its face and crop it.

    Args:
        path: the photograph, see `photo_files.read_photo`.
        options: how the crop is made.
        detector: finds the face; None takes the whole photograph.

    Raises:
        UsageError: the file is not a complete photograph, has no face, or its face cannot be cropped.
    """
    try:
        photo = read_photo(path, options.max_pixels, detect=detector is not None)
    except UnreadablePhotoError as error:
        raise UsageError(f"{path} cannot be used: {error}") from error
    height, width = photo.shape[:2]
    if detector is None:
        return PhotoFace(photo, 0, f"the whole image, {width} x {height}")
    (faces,) = detector.detect(photo[None])
    count = len(faces.boxes)
    if not count:
        raise UsageError(
            f"no face was found in {path}; take a photograph with a face of 20 pixels or more, or give "
            "--mode none if it is a crop of a face already"
        )
    chosen = choose_face(faces.boxes, width, height, options.select)
    try:
        crop = cut_face(photo, faces.boxes[chosen], faces.landmarks[chosen], options)
    except NoCropError as error:
        raise UsageError(f"the face in {path} cannot be cropped: {error}") from error
    left, top, right, bottom = (round(float(x)) for x in faces.boxes[chosen])
    how = {"largest": "the largest", "center": "the one nearest the centre"}[options.select]
    found = "one face" if count == 1 else f"{count} faces, took {how}"
    return PhotoFace(crop, count, f"{found}, ({left}, {top}) to ({right}, {bottom})")
