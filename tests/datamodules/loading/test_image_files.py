import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from datamodules.errors import DatasetError
from datamodules.loading import image_files
from datamodules.loading.image_files import BadImage, find_bad, read_rgb, unusable, why_bad
from datamodules.loading.photo_files import FORMATS

PICTURE = np.random.default_rng(0).integers(0, 256, (218, 178, 3), dtype=np.uint8)


def _encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PICTURE).save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("padding", [b"", b"\0", b"\r\n", b"\0" * 300])
def test_whole_files_pass_padded_ones_too(tmp_path: Path, kind: str, padding: bytes) -> None:
    path = tmp_path / "face"
    path.write_bytes(_encoded(kind) + padding)
    assert why_bad(path) is None


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("kept", [0.05, 0.5, 0.9, 0.999])
def test_cut_short_files_are_found(tmp_path: Path, kind: str, kept: float) -> None:
    path = tmp_path / "face"
    data = _encoded(kind)
    path.write_bytes(data[: int(kept * len(data))])
    assert why_bad(path) == f"cut short (no {kind} end marker)"


def test_a_file_whose_end_was_never_written_is_found(tmp_path: Path) -> None:
    path = tmp_path / "face.jpg"
    data = _encoded("JPEG")
    path.write_bytes(data[:9000] + b"\0" * (len(data) - 9000))
    assert why_bad(path) == "cut short (no JPEG end marker)"


def test_missing_empty_and_foreign_files_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "good.jpg").write_bytes(_encoded("JPEG"))
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "page.jpg").write_text("<html>quota exceeded</html>")
    (tmp_path / "folder.jpg").mkdir()
    names = ["folder.jpg", "good.jpg", "empty.jpg", "page.jpg", "gone.jpg"]
    assert find_bad([tmp_path / name for name in names]) == [
        BadImage(tmp_path / "folder.jpg", "a folder, not a file"),
        BadImage(tmp_path / "empty.jpg", "empty"),
        BadImage(tmp_path / "page.jpg", f"no image of a known format ({', '.join(FORMATS)})"),
        BadImage(tmp_path / "gone.jpg", "missing"),
    ]


@pytest.mark.parametrize("length", [1, 512, 513])
def test_no_chunk_is_forgotten(tmp_path: Path, length: int) -> None:
    path = tmp_path / "good.jpg"
    path.write_bytes(_encoded("JPEG"))
    paths = [path] * (length - 1) + [tmp_path / "gone.jpg"]
    assert find_bad(paths) == [BadImage(tmp_path / "gone.jpg", "missing")]


def test_long_lists_show_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "good.jpg"
    path.write_bytes(_encoded("JPEG"))
    paths = [path] * 1300
    for place in (0, 511, 512, 1299):
        paths[place] = tmp_path / f"gone{place}"
    assert [bad.path.name for bad in find_bad(paths)] == ["gone0", "gone511", "gone512", "gone1299"]
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(image_files, "_PROGRESS_FROM", 1000)
    assert len(find_bad(paths)) == 4
    assert "Checking image files" in capsys.readouterr().out


def test_unusable_raises_with_the_first_five_and_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="^7 of 7 image files cannot be used") as caught:
        unusable([tmp_path / f"{i}.jpg" for i in range(7)], "raise")
    assert "4.jpg (missing), ...;" in str(caught.value)
    assert "5.jpg" not in str(caught.value)
    assert "--data.init_args.bad_images skip" in str(caught.value)


def test_unusable_skips_and_names_all(tmp_path: Path) -> None:
    (tmp_path / "good.jpg").write_bytes(_encoded("JPEG"))
    paths = [tmp_path / name for name in ("a.jpg", "good.jpg", "b.jpg")]
    with pytest.warns(UserWarning, match=r"2 of 3 image files are left out: .*a.jpg \(missing\), .*b.jpg"):
        bad = unusable(paths, "skip")
    assert bad == {str(tmp_path / name): "missing" for name in ("a.jpg", "b.jpg")}
    assert unusable([], "raise") == {}


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_pixels_are_rgb_as_pillow_reads_them(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "fäce"  # imread alone fails on such names on some systems
    path.write_bytes(_encoded(kind))
    image, oracle = read_rgb(path), np.asarray(Image.open(path).convert("RGB"))
    assert image.dtype == np.uint8
    assert np.abs(image.astype(int) - oracle).max() <= (2 if kind == "JPEG" else 0)


def test_a_grey_file_has_three_equal_channels(tmp_path: Path) -> None:
    Image.fromarray(PICTURE[..., 0]).save(tmp_path / "grey.png")
    image = read_rgb(tmp_path / "grey.png")
    np.testing.assert_array_equal(image, np.repeat(PICTURE[..., :1], 3, axis=2))


@pytest.mark.parametrize(
    ("content", "message"), [(None, "cannot be read"), (b"", "empty"), (b"no", "no image of a known format")]
)
def test_what_cannot_be_decoded_is_named(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "face.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DatasetError, match=f"face.jpg: {message}"):
        read_rgb(path)


def test_opencv_starts_no_threads_of_its_own() -> None:
    assert cv2.getNumThreads() <= 1
