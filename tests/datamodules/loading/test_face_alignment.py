import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodules.celeba import MEAN_LANDMARKS, crop_face
from datamodules.loading.face_alignment import TEMPLATE, align, centre_square, rescale_points, similarity


def _apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ matrix[:, :2].T + matrix[:, 2]


@given(st.floats(0.05, 20), st.floats(-3.1, 3.1), st.floats(-500, 500), st.floats(-500, 500))
def test_an_exact_similarity_is_recovered(scale: float, angle: float, x: float, y: float) -> None:
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    truth = np.array([[c, -s, x], [s, c, y]])
    np.testing.assert_allclose(similarity(TEMPLATE, _apply(truth, TEMPLATE)), truth, atol=1e-8)


def test_the_estimate_is_the_least_squares_solution() -> None:
    rng = np.random.default_rng(0)
    source, target = rng.normal(0, 30, (5, 2)), rng.normal(0, 30, (5, 2))
    # the same problem as a linear system in (a, b, tx, ty)
    rows = [[x, -y, 1, 0] for x, y in source] + [[y, x, 0, 1] for x, y in source]
    a, b, tx, ty = np.linalg.lstsq(np.array(rows), np.concatenate([target[:, 0], target[:, 1]]), rcond=None)[
        0
    ]
    np.testing.assert_allclose(similarity(source, target), [[a, -b, tx], [b, a, ty]], atol=1e-9)


def test_celebas_mean_landmarks_land_near_the_template() -> None:
    distance = np.linalg.norm(_apply(similarity(MEAN_LANDMARKS, TEMPLATE), MEAN_LANDMARKS) - TEMPLATE, axis=1)
    assert (distance < [1, 1, 3, 2, 2]).all()  # no similarity does better: CelebA's noses lie lower
    assert np.sqrt((distance**2).mean()) == pytest.approx(1.781, abs=1e-3)


def _dots(scale: int) -> np.ndarray:
    """A CelebA-shaped image, `scale` times as large, with a white blob on each mean landmark."""
    image = np.zeros((218 * scale, 178 * scale, 3), dtype=np.uint8)
    for x, y in rescale_points(MEAN_LANDMARKS, scale):
        cv2.circle(image, (round(x * 16), round(y * 16)), 4 * scale * 16, (255, 255, 255), -1, cv2.LINE_AA, 4)
    return image


@pytest.mark.parametrize(("scale", "size"), [(1, 112), (2, 112), (1, 224), (6, 112), (4, 56)])
def test_blobs_on_the_landmarks_end_up_where_the_transform_says(scale: int, size: int) -> None:
    crop = crop_face(_dots(scale), "aligned", size).astype(float)
    assert crop.shape == (size, size, 3)
    expected = _apply(similarity(MEAN_LANDMARKS, TEMPLATE), MEAN_LANDMARKS)  # in a crop of 112
    for x, y in rescale_points(expected, size / 112):
        reach = 7 * size // 112
        left, top = round(x) - reach, round(y) - reach
        window = crop[top : top + 2 * reach + 1, left : left + 2 * reach + 1, 0]
        ys, xs = np.mgrid[0 : window.shape[0], 0 : window.shape[1]]
        found = [left + (xs * window).sum() / window.sum(), top + (ys * window).sum() / window.sum()]
        assert np.linalg.norm(np.array(found) - [x, y]) < 0.1 * size / 112 + 0.05


def _face(width: int, height: int) -> np.ndarray:
    """A smooth picture, drawn at any resolution; pixel centres at (i + 0.5) / width."""
    y, x = (np.mgrid[0:height, 0:width] + 0.5) / np.array([height, width])[:, None, None]
    waves = np.stack([np.sin(9 * x + 4 * y), np.cos(7 * y - 3 * x), np.sin(11 * x * y + 1)], axis=2)
    return (127.5 + 127.5 * waves).round().astype(np.uint8)


@pytest.mark.parametrize(("width", "height"), [(89, 109), (356, 436), (890, 1090)])
@pytest.mark.parametrize("crop", ["aligned", "center"])
def test_the_resolution_of_the_image_does_not_move_the_crop(width: int, height: int, crop) -> None:
    reference = crop_face(_face(178, 218), crop, 112).astype(int)
    other = crop_face(_face(width, height), crop, 112).astype(int)
    assert np.abs(other - reference).max() <= 5
    assert np.abs(other - np.roll(reference, 1, axis=1)).max() > 10  # one pixel off would show


def test_a_strong_reduction_averages_instead_of_aliasing() -> None:
    stripes = np.zeros((2180, 1780, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(crop_face(stripes, "aligned", 28).astype(int) - 127.5).max() < 8


def test_outside_the_image_is_black() -> None:
    white = np.full((50, 50, 3), 255, dtype=np.uint8)
    crop = align(white, TEMPLATE, 112)
    assert crop[:49, :49].min() == 255
    assert crop[51:].max() == 0


def test_centre_square_takes_the_middle() -> None:
    image = np.zeros((10, 30, 3), dtype=np.uint8)
    image[:, 10:20] = 200
    assert (centre_square(image, 10) == 200).all()
    assert (centre_square(image, 5) == 200).all()
    assert (centre_square(image, 40) == 200).all()


def test_another_shape_is_refused_only_when_aligned() -> None:
    square = np.zeros((178, 178, 3), dtype=np.uint8)
    with pytest.raises(ValueError, match="178x178 pixels are not a scaled 178x218.*crop center"):
        crop_face(square, "aligned", 112)
    assert crop_face(square, "center", 112).shape == (112, 112, 3)
