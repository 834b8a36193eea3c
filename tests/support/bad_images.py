"""A corpus of image files as people have them: one of each kind, good pixels in odd wrapping or plain bad."""

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

_RNG = np.random.default_rng(11)
SMALL = _RNG.integers(0, 256, (6, 8, 3), dtype=np.uint8)
PHOTO = cv2.resize(SMALL, (64, 48), interpolation=cv2.INTER_CUBIC)
"""(48, 64, 3) what every good file shows."""

GREY = np.asarray(Image.fromarray(PHOTO).convert("L"))


def _encode(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _image(kind: str, mode: str = "RGB", **options) -> bytes:
    return _encode(Image.fromarray(PHOTO).convert(mode), kind, **options)


def _chunk(name: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + check


def png_of_size(width: int, height: int, content: bytes = b"") -> bytes:
    """A PNG whose header announces a size that its content does not have."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(content)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


def _png16(image: np.ndarray) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()


def _flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes(x ^ 255 for x in content[middle : middle + 8]) + content[middle + 8 :]


def _turned(orientation: int) -> bytes:
    """PHOTO stored as a camera held otherwise stores it, with the EXIF tag that turns it upright."""
    undo = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(PHOTO).transpose(undo[orientation])
    return _encode(stored, "JPEG", exif=exif, quality=98)


def _damaged_exif() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    content = _image("JPEG", exif=exif, quality=98)
    place = content.index(b"Exif\0\0")
    return content[: place + 8] + b"\xff" * 12 + content[place + 20 :]


def _with_alpha(mode: str) -> bytes:
    image = Image.fromarray(PHOTO).convert(mode)
    alpha = np.full((48, 64), 255, dtype=np.uint8)
    alpha[:, 32:] = 0  # the right half is transparent
    image.putalpha(Image.fromarray(alpha))
    return _encode(image, "PNG")


_FRAMES = {"save_all": True, "append_images": [Image.new("RGB", (64, 48), "red")]}
_JPEG = _image("JPEG", quality=98)
_PNG = _image("PNG")
_F32 = _encode(Image.fromarray(GREY.astype(np.float32)), "TIFF")
_TINY = _encode(Image.new("RGB", (1, 1)), "PNG")
_THIN = _encode(Image.new("RGB", (20, 1001)), "PNG")
_FLAT = _encode(Image.new("RGB", (5000, 19)), "JPEG")
HALF_WHITE = np.where(np.arange(64)[None, :, None] < 32, PHOTO, np.uint8(255))
HALF_WHITE_GREY = np.where(np.arange(64) < 32, GREY, np.uint8(255))
STEPS = np.linspace(0, 65535, 48 * 64).reshape(48, 64).astype(np.uint16)

_STEPS_8 = np.rint(STEPS / 257).astype(np.uint8)
_DEEP = PHOTO.astype(np.uint16) * 257

GOOD: dict[str, tuple[bytes, np.ndarray, float]] = {
    "jpeg": (_JPEG, PHOTO, 20),
    "png": (_PNG, PHOTO, 0),
    "bmp": (_image("BMP"), PHOTO, 0),
    "tiff": (_image("TIFF"), PHOTO, 0),
    "compressed tiff": (_image("TIFF", compression="tiff_lzw"), PHOTO, 0),
    "webp": (_image("WEBP", lossless=True), PHOTO, 0),
    "grey jpeg": (_image("JPEG", "L", quality=98), GREY, 12),
    "grey png": (_image("PNG", "L"), GREY, 0),
    "progressive jpeg": (_image("JPEG", quality=98, progressive=True), PHOTO, 20),
    "cmyk jpeg": (_image("JPEG", "CMYK", quality=98), PHOTO, 40),
    "palette png": (_image("PNG", "P"), np.asarray(Image.fromarray(PHOTO).convert("P").convert("RGB")), 0),
    "two colours": (_image("PNG", "1"), np.asarray(Image.fromarray(PHOTO).convert("1").convert("L")), 0),
    "transparent": (_with_alpha("RGBA"), HALF_WHITE, 0),
    "transparent grey": (_with_alpha("LA"), HALF_WHITE_GREY, 0),
    "16-bit grey png": (_png16(STEPS), _STEPS_8, 0),
    "16-bit grey tiff": (_encode(Image.fromarray(STEPS), "TIFF"), _STEPS_8, 0),
    "16-bit rgb png": (_png16(np.ascontiguousarray(_DEEP[..., ::-1])), PHOTO, 0),
    "turned by 180": (_turned(3), PHOTO, 20),
    "turned right": (_turned(6), PHOTO, 20),
    "turned left": (_turned(8), PHOTO, 20),
    "damaged exif": (_damaged_exif(), PHOTO, 20),
    "animated webp": (_image("WEBP", lossless=True, **_FRAMES), PHOTO, 0),
    "animated png": (_image("PNG", **_FRAMES), PHOTO, 0),
    "gif": (_image("GIF"), np.asarray(Image.open(io.BytesIO(_image("GIF"))).convert("RGB")), 0),
    "pgm": (_image("PPM", "L"), GREY, 0),
    "ppm": (_image("PPM"), PHOTO, 0),
    "two pages": (_image("TIFF", **_FRAMES), PHOTO, 0),
    "bytes after the end": (_JPEG + b"\0" * 4096, PHOTO, 20),
}
"""Content, what it shows (grey or RGB), and by how much a decoded pixel may differ."""

BAD: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty"),
    "text": (b"<html><body>404 Not Found</body></html>", "no image of a known format"),
    "zeros": (bytes(5000), "no image of a known format"),
    "header only": (_JPEG[:20], "no image of a known format|cannot be decoded"),
    "jpeg cut in half": (_JPEG[: len(_JPEG) // 2], "cannot be decoded .*truncated"),
    "jpeg without its last bytes": (_JPEG[:-30], "cannot be decoded .*truncated"),
    "png cut in half": (_PNG[: len(_PNG) // 2], "cannot be decoded"),
    "webp cut in half": (_image("WEBP")[:200], "no image of a known format|cannot be decoded"),
    "bmp cut in half": (_image("BMP")[:3000], "cannot be decoded .*truncated"),
    "tiff cut in half": (
        _image("TIFF", compression="tiff_lzw")[:3000],
        "cannot be decoded|no image of a known",
    ),
    "flipped bits in a png": (_flipped(_PNG), "cannot be decoded"),
    "png without pixels": (png_of_size(64, 48), "cannot be decoded"),
    "bomb": (png_of_size(12_000, 12_000), "12000x12000 pixels are more than 1,000,000"),
    "greater bomb": (png_of_size(2**31 - 1, 2**31 - 1), "more than 178,956,970 pixels"),
    "no width": (png_of_size(0, 48), "cannot be decoded|no image of a known format|too small"),
    "one pixel": (_TINY, "1x1 pixels, too small for a face"),
    "strip": (_THIN, "20x1001 pixels, a strip and no photograph"),
    "flat": (_FLAT, "5000x19 pixels, too small for a face"),
    "32-bit floats": (_F32, "pixels of mode F have no known range"),
}
"""Content, and the reason why it is left out, as a regular expression."""


def _folder(path: Path) -> None:
    path.mkdir()


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _dangling(path: Path) -> None:
    path.symlink_to("nowhere.jpg")


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _below_a_file(path: Path) -> None:
    path.parent.rmdir()
    path.parent.write_bytes(_JPEG)


ODD: dict[str, tuple[Callable[[Path], None], str]] = {
    "missing": (lambda path: None, "missing"),
    "folder": (_folder, "a folder, not a file"),
    "link to itself": (_loop, "cannot be read .Too many levels of symbolic links"),
    "link to nowhere": (_dangling, "missing"),
    "pipe": (_pipe, "not a regular file"),
    "below a file": (_below_a_file, "missing"),
}
"""For each kind: a function that puts it in the place of a file, and the reason that is given."""
