import numpy as np
import pytest
from PIL import Image

from datamodules.loading.photo_files import UnreadablePhotoError, read_photo
from tests.support.bad_images import BAD, GOOD, ODD, PHOTO, png_of_size

pytestmark = pytest.mark.filterwarnings(
    "ignore::UserWarning:PIL", "ignore::PIL.Image.DecompressionBombWarning"
)

LIMIT = 1_000_000


@pytest.mark.parametrize("kind", GOOD)
def test_every_kind_of_good_file_shows_its_photograph(tmp_path, kind) -> None:
    content, expected, tolerance = GOOD[kind]
    (tmp_path / "photo.jpg").write_bytes(content)
    photo = read_photo(tmp_path / "photo.jpg", LIMIT)
    expected = expected if expected.ndim == 3 else np.repeat(expected[..., None], 3, axis=2)
    assert photo.dtype == np.uint8
    assert photo.shape == expected.shape == PHOTO.shape
    assert np.abs(photo.astype(int) - expected).max() <= tolerance


@pytest.mark.parametrize("kind", BAD)
def test_every_kind_of_bad_file_has_its_reason(tmp_path, kind) -> None:
    content, reason = BAD[kind]
    (tmp_path / "photo.jpg").write_bytes(content)
    with pytest.raises(UnreadablePhotoError, match=f"^({reason})") as caught:
        read_photo(tmp_path / "photo.jpg", LIMIT)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value), "reasons are the same wherever the files lie"


@pytest.mark.parametrize("kind", ODD)
def test_what_is_no_file_has_its_reason(tmp_path, kind) -> None:
    put, reason = ODD[kind]
    path = tmp_path / "folder" / "photo.jpg"
    path.parent.mkdir()
    put(path)
    with pytest.raises(UnreadablePhotoError, match=f"^{reason}"):
        read_photo(path, LIMIT)


def test_a_file_that_may_not_be_read_has_its_reason(tmp_path, monkeypatch) -> None:
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "photo.jpg").write_bytes(GOOD["jpeg"][0])
    monkeypatch.setattr(Image, "open", refuse)  # whoever runs the tests may be allowed everything
    with pytest.raises(UnreadablePhotoError, match="cannot be read .Permission denied"):
        read_photo(tmp_path / "photo.jpg", LIMIT)


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path, monkeypatch) -> None:
    (tmp_path / "photo.png").write_bytes(png_of_size(4000, 4000, bytes(4000 * 12_001)))
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(UnreadablePhotoError, match="4000x4000 pixels are more"):
        read_photo(tmp_path / "photo.png", LIMIT)


def test_the_limit_itself_is_allowed(tmp_path) -> None:
    (tmp_path / "photo.png").write_bytes(GOOD["png"][0])
    assert read_photo(tmp_path / "photo.png", PHOTO[..., 0].size).shape == PHOTO.shape
    with pytest.raises(UnreadablePhotoError, match="64x48 pixels are more than 3,071"):
        read_photo(tmp_path / "photo.png", PHOTO[..., 0].size - 1)


def test_a_jpeg_cut_anywhere_is_refused(tmp_path) -> None:
    content = GOOD["jpeg"][0]
    for length in [*range(0, len(content), 37), len(content) - 2]:  # the last: only the end marker is gone
        (tmp_path / "photo.jpg").write_bytes(content[:length])
        with pytest.raises(UnreadablePhotoError):
            read_photo(tmp_path / "photo.jpg", LIMIT)
