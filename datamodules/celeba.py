"""CelebA: 202,599 faces of 10,177 identities with 40 binary attributes (Liu et al., ICCV 2015)."""

from typing import Any, Literal

import numpy as np

from datamodules.annotations.celeba_files import ATTRIBUTES, read_celeba_files
from datamodules.annotations.face_table import FaceTable
from datamodules.contract import Attributes
from datamodules.file_faces import FileFaces
from datamodules.loading.face_alignment import align, centre_square, rescale_points

Crop = Literal["aligned", "center"]

WIDTH, HEIGHT = 178, 218

MEAN_LANDMARKS = np.array([[69.5, 111.4], [107.5, 111.2], [88.1, 135.2], [72.5, 152.0], [104.4, 151.7]])
"""(5, 2) pixels in an official 178 x 218 image, in the order of `face_alignment.TEMPLATE`."""


def crop_face(image: np.ndarray, crop: Crop, size: int) -> np.ndarray:
    """Crop an aligned CelebA image, at any uniform scale, to (size, size, 3).

    `aligned` moves CelebA's mean landmarks as near as possible (1.8 of 112 pixels, root mean square) to the
    template of recognisers, the same in all images (they are aligned already); `center` takes the centre
    square.

    Raises:
        ValueError: `aligned` with an image that does not have the shape of CelebA's aligned ones.
    """
    if crop == "center":
        return centre_square(image, size)
    height, width = image.shape[:2]
    if abs(width / height * HEIGHT / WIDTH - 1) > 0.03:
        raise ValueError(
            f"{width}x{height} pixels are not a scaled {WIDTH}x{HEIGHT}; use the aligned and cropped "
            "images of CelebA, or --data.init_args.crop center"
        )
    return align(image, rescale_points(MEAN_LANDMARKS, np.array([width / WIDTH, height / HEIGHT])), size)


class CelebA(FileFaces):
    """CelebA with its official partition; images as (3, size, size) uint8 RGB.

    Attributes of a batch are the 40 official ones in lower case (`smiling`, `male`, ...; no 0, yes 1),
    `gender` (equal to `male`) and `identity` (always -1 in Kaggle's variant, which has none).

    Args:
        root: folder of the annotation files and `img_align_celeba/`; the authors' layout or Kaggle's.
        crop: of the dataset's own images: `aligned` moves the landmarks to where recognisers expect them,
            `center` takes the centre square.
        **options: see `FileFaces`.
    """

    def __init__(self, root: str, crop: Crop = "aligned", **options: Any) -> None:
        super().__init__(root, **options)
        self.crop: Crop = crop
        self.check_samples(ATTRIBUTES)  # before any file is read

    @property
    def attributes(self) -> Attributes:
        """Class names of the 42 attributes."""
        return ATTRIBUTES

    def read_table(self) -> FaceTable:
        """Read the annotations of all images; raise `DatasetError` if they are missing or damaged."""
        return read_celeba_files(self.root)

    def fit(self, image: np.ndarray) -> np.ndarray:
        """Crop an image to (size, size, 3); see `crop_face`."""
        return crop_face(image, self.crop, self.size)
