"""The same files are readable images to `prepare` and to direct reading, with the same pixels."""

import io
import os
import socket
import struct
import tempfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from datamodules.errors import DatasetError
from datamodules.loading.image_files import read_rgb, why_bad
from datamodules.loading.photo_files import PIXEL_LIMIT, UnreadablePhotoError, read_photo

PICTURE = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8)


def _save(path: Path, kind: str, mode: str = "RGB") -> None:
    Image.fromarray(PICTURE).convert(mode).save(path, kind)


def _png_header(width: int, height: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 999)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        *((kind, "RGB") for kind in ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "GIF", "PPM")),
        *((kind, mode) for kind, mode in (("PPM", "L"), ("JPEG", "L"), ("PNG", "P"), ("PNG", "RGBA"))),
    ],
)
def test_each_format_is_read_by_both(tmp_path: Path, kind: str, mode: str) -> None:
    path = tmp_path / "face"
    _save(path, kind, mode)
    assert why_bad(path) is None
    photo, direct = read_photo(path, PIXEL_LIMIT), read_rgb(path)
    assert np.abs(photo.astype(int) - direct).max() <= (3 if kind == "JPEG" else 0)


@pytest.mark.parametrize("size", [(100_000, 100_000), (20_000, 20_000), (10_001, 10_000)])
def test_too_many_pixels_are_refused_by_the_header(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(_png_header(*size))
    assert "pixels" in str(why_bad(path))
    with pytest.raises(UnreadablePhotoError, match="pixels"):
        read_photo(path, PIXEL_LIMIT)
    with pytest.raises(DatasetError, match="bomb.png: .*pixels are more than 100,000,000"):
        read_rgb(path)


def test_a_jpeg_behind_a_large_profile_is_measured_too(tmp_path: Path) -> None:
    path, buffer = tmp_path / "bomb.jpg", io.BytesIO()
    Image.fromarray(PICTURE).save(buffer, "JPEG", icc_profile=b"x" * 200_000)
    data = buffer.getvalue()
    path.write_bytes(data)
    assert why_bad(path) is None
    frame = data.index(b"\xff\xc0\x00\x11\x08") + 5
    path.write_bytes(data[:frame] + struct.pack(">HH", 20_000, 20_000) + data[frame + 4 :])
    assert why_bad(path) == "20000x20000 pixels are more than 100,000,000"
    with pytest.raises(DatasetError, match="20000x20000"):
        read_rgb(path)


def test_a_flipped_byte_of_a_png_is_found_by_both(tmp_path: Path) -> None:
    path = tmp_path / "flipped.png"
    _save(path, "PNG")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(UnreadablePhotoError, match="cannot be decoded"):
        read_photo(path, PIXEL_LIMIT)
    with pytest.raises(DatasetError, match="cannot be decoded"):
        read_rgb(path)


@pytest.mark.parametrize("side", [1, 10, 28, 48])
def test_small_chips_are_images_but_a_detector_needs_20_pixels(tmp_path: Path, side: int) -> None:
    path = tmp_path / "chip.png"
    Image.fromarray(PICTURE[:side, :side]).save(path)
    assert why_bad(path) is None
    assert read_rgb(path).shape == read_photo(path, PIXEL_LIMIT, detect=False).shape == (side, side, 3)
    if side < 20:
        with pytest.raises(UnreadablePhotoError, match="too small for a face"):
            read_photo(path, PIXEL_LIMIT)


@pytest.mark.parametrize("kind", ["pipe", "folder", "socket"])
def test_what_is_no_file_never_blocks(kind: str) -> None:
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX) as listener:
        path = Path(short) / "face.jpg"
        {"pipe": os.mkfifo, "folder": os.mkdir, "socket": lambda p: listener.bind(str(p))}[kind](path)
        reason = "a folder, not a file" if kind == "folder" else "not a regular file"
        assert why_bad(path) == reason
        with pytest.raises(UnreadablePhotoError, match=reason):
            read_photo(path, PIXEL_LIMIT)
        with pytest.raises(DatasetError, match=f"face.jpg: (cannot be read|{reason})"):
            read_rgb(path)
