"""Decode photographs of any origin carefully: every file gives an upright RGB array or a reason.

The rules for readable images are here and in docs/datasets.md; `datamodules.loading.image_files` follows
them.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "GIF", "PPM")
"""Names of Pillow; PPM includes PGM and PBM."""

MIN_SIDE = 20
"""Pixels; the smallest face that the detector looks for."""

MAX_ASPECT = 50
"""Longer by shorter side; a longer strip is no photograph, and its pyramid would not fit in memory."""

PIXEL_LIMIT = 100_000_000
"""Largest number of pixels of an image, unless an option says otherwise."""

MAX_PIXELS = 2 * (Image.MAX_IMAGE_PIXELS or 0)
"""Pillow itself refuses to open an image above this."""


class UnreadablePhotoError(Exception):
    """An image file that cannot be used; the message is the reason."""


def read_photo(path: str | os.PathLike[str], max_pixels: int, detect: bool = True) -> np.ndarray:
    """Decode an image file into (H, W, 3) uint8 RGB, upright by its EXIF orientation.

    Pillow decodes, because it refuses truncated files, which OpenCV fills with grey. The content decides the
    format, not the name; of several frames or pages the first is taken. Transparent parts become white.
    16-bit greys are scaled to 8 bits. With damaged EXIF data the image stays as it is stored.

    Args:
        path: the file.
        max_pixels: largest number of pixels that the header may state.
        detect: a face is to be detected, so refuse images that are too small or too narrow for that.

    Raises:
        UnreadablePhotoError: the file is not a complete photograph; the message says why.
    """
    with photo_errors():
        check_file(path)
        with Image.open(path, formats=FORMATS) as image:
            check_pixels(image.width, image.height, max_pixels)
            if detect:
                _check_shape(image)
            if image.format == "PNG":  # Pillow does not look at check sums when it decodes
                _verify(path)
            image.load()
            return np.asarray(_to_rgb(_upright(image)))


@contextmanager
def photo_errors() -> Iterator[None]:
    """Turn the errors of Pillow into `UnreadablePhotoError`, with the reason as the message."""
    try:
        yield
    except (UnreadablePhotoError, MemoryError):
        raise
    except UnidentifiedImageError:
        raise UnreadablePhotoError(f"no image of a known format ({', '.join(FORMATS)})") from None
    except Image.DecompressionBombError:
        raise UnreadablePhotoError(f"more than {MAX_PIXELS:,} pixels") from None
    except Exception as error:  # Pillow's decoders raise errors of many kinds on damaged bytes
        if isinstance(error, OSError) and error.errno is not None:
            raise UnreadablePhotoError(f"cannot be read ({os.strerror(error.errno)})") from None
        raise UnreadablePhotoError(f"cannot be decoded ({' '.join(str(error).split())})") from None


def check_file(path: str | os.PathLike[str]) -> None:
    """Raise `UnreadablePhotoError` unless the path is a regular file with content, without opening it."""
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        raise UnreadablePhotoError("missing") from None
    except OSError as error:
        raise UnreadablePhotoError(f"cannot be read ({error.strerror})") from None
    if stat.S_ISDIR(status.st_mode):
        raise UnreadablePhotoError("a folder, not a file")
    if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
        raise UnreadablePhotoError("not a regular file")
    if status.st_size == 0:
        raise UnreadablePhotoError("empty")


def check_pixels(width: int, height: int, max_pixels: int) -> None:
    """Raise `UnreadablePhotoError` for an image whose header states more pixels."""
    if width * height > max_pixels:
        raise UnreadablePhotoError(f"{width}x{height} pixels are more than {max_pixels:,}")


def _verify(path: str | os.PathLike[str]) -> None:
    with Image.open(path, formats=("PNG",)) as image:
        image.verify()


def _check_shape(image: Image.Image) -> None:
    shorter, longer = sorted(image.size)
    pixels = f"{image.width}x{image.height} pixels"
    if shorter < MIN_SIDE:
        raise UnreadablePhotoError(f"{pixels}, too small for a face")
    if longer > MAX_ASPECT * shorter:
        raise UnreadablePhotoError(f"{pixels}, a strip and no photograph")


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # damaged EXIF data raise errors of many kinds, but the pixels are fine
        return image


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM")):
        grey = np.asarray(image).astype(np.float64) / 257
        return Image.fromarray(np.rint(grey).astype(np.uint8)).convert("RGB")
    if image.mode in ("I", "F"):
        raise UnreadablePhotoError(f"pixels of mode {image.mode} have no known range")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")
