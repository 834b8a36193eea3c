"""The face of a single photograph, cropped as recipes/prepare.py crops those of a dataset."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from datamodules.cropping.face_crop import CropOptions, NoCropError, choose_face, cut_face
from datamodules.cropping.face_detector import FaceDetector
from datamodules.loading.photo_files import UnreadablePhotoError, read_photo
from recipes.command_line.errors import UsageError


class PhotoFace(NamedTuple):
    """The crop that a network reads, and how it came about."""

    crop: np.ndarray
    """(S, S, 3) uint8 RGB; the whole photograph if nothing was to be detected."""
    faces: int
    """Faces that were found; 0 if nothing was to be detected."""
    about: str
    """For the user: what was taken."""


def read_face(path: Path, options: CropOptions, detector: FaceDetector | None) -> PhotoFace:
    """Read a photograph, find its face and crop it.

    Args:
        path: the photograph, see `photo_files.read_photo`.
        options: how the crop is made.
        detector: finds the face; None takes the whole photograph.

    Raises:
        UsageError: a file that is no whole photograph, one without a face, or a face that cannot be cropped.
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
