import cv2
import numpy as np
import pytest
from facenet_pytorch import MTCNN, extract_face
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from datamodules.cropping.face_crop import CropOptions, NoCropError, choose_face, crop_box, cut_face
from datamodules.loading.face_alignment import TEMPLATE, align

RNG = np.random.default_rng(3)
PHOTO = cv2.resize(RNG.integers(0, 256, (12, 16, 3), dtype=np.uint8), (160, 120))


def _package(box: np.ndarray, size: int, margin: int, folder) -> np.ndarray:
    """Return the uint8 crop that facenet-pytorch writes to disk, before it becomes a tensor."""
    extract_face(Image.fromarray(PHOTO), box, size, margin, save_path=str(folder / "face.png"))
    return np.asarray(Image.open(folder / "face.png"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("crops")


@pytest.mark.slow
@given(
    x=st.floats(-30, 150, width=32),
    y=st.floats(-30, 110, width=32),
    width=st.floats(15, 200, width=32),
    height=st.floats(15, 200, width=32),
    size=st.sampled_from([31, 112, 224]),
    margin=st.sampled_from([0, 1, 17, 30]),
)
@settings(max_examples=120, deadline=None)
def test_a_box_crop_is_what_the_package_cuts_out(folder, x, y, width, height, size, margin) -> None:
    box = np.array([x, y, x + width, y + height], dtype=np.float32)
    try:
        ours = crop_box(PHOTO, box, size, margin)
    except NoCropError:
        try:
            theirs = _package(box, size, margin, folder)
        except (ValueError, SystemError):  # Pillow before 13; what it resizes from no pixel since is black
            return
        assert not theirs.any()
        return
    np.testing.assert_array_equal(ours, _package(box, size, margin, folder))


def test_the_margin_counts_pixels_of_the_crop() -> None:
    box = np.array([40, 30, 80, 70], dtype=np.float32)
    # 20 of 100 pixels are margin: 80 show the box, so its 40 pixels grow by 10, half on each side
    expected = Image.fromarray(PHOTO[25:75, 35:85]).resize((100, 100), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(crop_box(PHOTO, box, 100, 20), np.asarray(expected))


@pytest.mark.parametrize(
    "box", [(-50, 5, -10, 40), (170, 5, 200, 40), (5, 121, 50, 140), (10, 10, 10, 50), (90, 50, 30, 20)]
)
def test_a_box_without_a_pixel_is_refused(box) -> None:
    with pytest.raises(NoCropError, match="outside the image or is empty"):
        crop_box(PHOTO, np.array(box, dtype=np.float32), 32, 0)


def test_numbers_that_are_none_are_refused() -> None:
    with pytest.raises(NoCropError, match="not finite"):
        crop_box(PHOTO, np.array([1, np.nan, 30, 30], dtype=np.float32), 32, 0)
    points = np.full((5, 2), 7, dtype=np.float32)
    with pytest.raises(NoCropError, match="one point"):
        cut_face(PHOTO, np.zeros(4), points, CropOptions(mode="align"))


def test_align_mode_moves_the_landmarks_to_the_template() -> None:
    photo = np.zeros((120, 160, 3), dtype=np.uint8)
    points = TEMPLATE * 0.9 + [20, 8]
    for x, y in points:
        cv2.circle(photo, (round(x * 16), round(y * 16)), 24, (255, 255, 255), -1, shift=4)
    crop = cut_face(photo, np.zeros(4), points.astype(np.float32), CropOptions(mode="align"))
    assert crop.shape == (112, 112, 3)
    for x, y in TEMPLATE:
        near = crop[round(y) - 5 : round(y) + 6, round(x) - 5 : round(x) + 6, 0].astype(float)
        rows, columns = np.mgrid[-5:6, -5:6]
        assert abs((near * columns).sum() / near.sum() + round(x) - x) < 0.5
        assert abs((near * rows).sum() / near.sum() + round(y) - y) < 0.5
    np.testing.assert_array_equal(crop, align(photo, points.astype(np.float32).astype(float), 112))


def test_the_face_is_the_largest_or_the_one_nearest_the_centre() -> None:
    boxes = np.array([[0, 0, 30, 40], [70, 50, 90, 70], [100, 20, 160, 60]], dtype=np.float32)
    assert choose_face(boxes, 160, 120, "largest") == 2
    assert choose_face(boxes, 160, 120, "center") == 1
    assert choose_face(boxes[::-1], 160, 120, "center") == 1
    assert choose_face(boxes[:2], 20, 30, "center") == 0
    assert choose_face(np.repeat(boxes, 2, axis=0), 160, 120, "largest") == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "align", "margin": 1}, "margin is for --mode box"),
        ({"size": 0}, "size is 0"),
        ({"margin": -1}, "margin is -1"),
        ({"size": 40, "margin": 40}, "must be 0 to 39"),
        ({"quality": 0}, "quality is 0"),
        ({"max_pixels": 0}, "max_pixels is 0"),
        ({"max_pixels": 10**10}, "Pillow's limit"),
    ],
)
def test_options_out_of_range_are_refused(options, message) -> None:
    with pytest.raises(ValueError, match=message):
        CropOptions(**options)


def test_every_option_that_has_an_effect_is_in_the_parameters() -> None:
    box, jpeg = CropOptions(), CropOptions(format="jpeg", mode="align")
    assert box.parameters["size"] == 224
    assert jpeg.parameters["size"] == 112
    changes = {
        "size": 99,
        "margin": 3,
        "select": "center",
        "format": "jpeg",
        "max_pixels": 7,
        "mode": "align",
    }
    for name, value in changes.items():
        assert CropOptions(**{name: value}).parameters != box.parameters, name
    assert CropOptions(quality=80).parameters == box.parameters, "memmap has no quality"
    assert CropOptions(format="jpeg", mode="align", quality=80).parameters != jpeg.parameters
    assert "margin" not in jpeg.parameters


def test_landmarks_of_real_faces_are_in_the_templates_order(face_data_root) -> None:
    folder = face_data_root / "lfw" / "lfw-deepfunneled"
    detector, upright = MTCNN(keep_all=True), 0
    for path in sorted(folder.glob("*/*_0001.jpg"))[:40:4]:
        image = Image.open(path).convert("RGB")
        boxes, _, landmarks = detector.detect(image, landmarks=True)
        k = choose_face(boxes, *image.size, "center")
        points = landmarks[k]
        upright += bool(
            points[0, 0] < points[2, 0] < points[1, 0]  # eyes left and right of the nose
            and points[3, 0] < points[4, 0]
            and points[:2, 1].max() < points[2, 1] < points[3:, 1].min()
        )
    assert upright >= 9
