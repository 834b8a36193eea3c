"""Crop a face image: by five landmarks moved onto the usual template, or to the centre square."""

import math

import cv2
import numpy as np

TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
"""(5, 2) pixels in a 112 x 112 crop: left eye, right eye, nose, left and right mouth corner as seen in the
image; where most recognisers since ArcFace (Deng et al., CVPR 2019) expect them."""

TEMPLATE_SIZE = 112


def rescale_points(points: np.ndarray, scale: np.ndarray | float) -> np.ndarray:
    """Rescale (N, 2) pixel positions with an image resized by `scale`; pixel centres are whole numbers."""
    return (points + 0.5) * scale - 0.5


def similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Fit the rotation, uniform scale and shift that take (N, 2) source points nearest to the target points.

    The least-squares solution in closed form: with points as complex numbers it is the line z = a w + b
    (equal to Umeyama, PAMI 1991, in two dimensions without mirroring).

    Returns:
        (2, 3) float64 matrix for `cv2.warpAffine`.
    """
    w, z = source[:, 0] + 1j * source[:, 1], target[:, 0] + 1j * target[:, 1]
    w0 = w - w.mean()
    a = np.vdot(w0, z - z.mean()) / np.vdot(w0, w0)
    b = z.mean() - a * w.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def align(image: np.ndarray, landmarks: np.ndarray, size: int) -> np.ndarray:
    """Crop an (H, W, 3) uint8 image to (size, size, 3) with its landmarks on the template.

    Bilinear; the crop is black outside the image. Where the crop is smaller than the face, pixels are
    averaged: the image is warped to a multiple of `size` and reduced by areas, so that nothing aliases.

    Args:
        image: the face.
        landmarks: (5, 2) pixels in `image`, in the order of `TEMPLATE`.
        size: side of the crop in pixels.
    """
    matrix = similarity(landmarks, rescale_points(TEMPLATE, size / TEMPLATE_SIZE))
    scale = math.hypot(matrix[0, 0], matrix[1, 0])
    factor = max(1, round(1 / scale))
    if factor == 1:
        return cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR)
    large = align(image, landmarks, size * factor)
    return cv2.resize(large, (size, size), interpolation=cv2.INTER_AREA)


def centre_square(image: np.ndarray, size: int) -> np.ndarray:
    """Crop the largest centred square of an (H, W, 3) image, resized (by areas down, bilinear up)."""
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = image[top : top + side, left : left + side]
    return cv2.resize(square, (size, size), interpolation=cv2.INTER_AREA if size < side else cv2.INTER_LINEAR)
