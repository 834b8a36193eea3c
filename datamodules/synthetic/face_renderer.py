"""Render parametric faces with torch, many at a time, on the device of their factors.

A face is painted back to front: each part is a soft-edged cover (n, h, w) through which a colour is blended
into the image. Parts work on bands of rows around them, and faces are drawn in chunks, so that planes stay in
the CPU cache. Only operations that round alike wherever a number lies in memory are used, so that a face has
the same bits in any batch.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache

import torch
from torch import Tensor

from datamodules.loading.counter_rng import normal
from datamodules.synthetic.face_canvas import DROP, ZOOM, Canvas
from datamodules.synthetic.face_features import brows, eyes, mouth, nose
from datamodules.synthetic.face_outline import back_hair, beard, body, ears, front_hair, head, marks

RENDERER_VERSION = 1
"""Increased whenever the same factors give another image: it is part of the data's fingerprint."""

SIZES = range(32, 225)
"""Heights (and widths) in pixels that can be drawn."""

PARTS = (back_hair, body, ears, head, beard, nose, marks, eyes, brows, mouth, front_hair)  # in painting order

_CHUNK_PIXELS = 1 << 17  # 32 faces of 64 pixels


@lru_cache(maxsize=8)
def _fields(size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Make fixed fields to cut windows from: smooth shapes (F, F) and noise (3, F, F), F = 3 sizes."""
    count = torch.arange(3 * (3 * size) ** 2)
    noise = normal(0, 200, count).reshape(3, 3 * size, 3 * size)
    coarse = normal(0, 201, torch.arange(144)).reshape(1, 1, 12, 12)
    smooth = torch.nn.functional.interpolate(coarse, (3 * size, 3 * size), mode="bicubic")[0, 0]
    return smooth.to(device), noise.to(device)


def _windows(field: Tensor, size: int, x: Tensor, y: Tensor) -> Tensor:
    """Cut windows of a field (..., F, F) at offsets (n,) in [0, 1): (n, ..., size, size)."""
    room = field.shape[-1] - size + 1
    rows, columns = (y * room).long(), (x * room).long()
    cut = field.unfold(-2, size, 1).unfold(-2, size, 1)
    if field.dim() == 2:
        return cut[rows, columns]
    return cut[:, rows, columns].transpose(0, 1)


def _canvas(f: Mapping[str, Tensor], size: int) -> Canvas:
    """Make an empty image with the face's own coordinates."""
    device = f["scale"].device
    centre = (torch.arange(size, device=device) + 0.5) * (2 / size) - 1
    across = centre - f["shift_x"]
    down = centre[:, None] - f["shift_y"] - DROP
    turn = f["roll"]
    sine, cosine = turn - turn * turn * turn / 6, 1 - turn * turn / 2
    zoom = ZOOM * f["scale"]
    x = (cosine * across + sine * down) / zoom
    y = (cosine * down - sine * across) / zoom
    image = torch.empty((len(x), 3, size, size), device=device)
    return Canvas(image=image, x=x, y=y, pixel=2 / size, factors=f)


def _light(c: Canvas) -> None:
    """Apply direction, strength and warmth of the light."""
    fall = (c["gain"] + c["light_x"] * c.x + c["light_y"] * c.y)[:, None]
    warmth = torch.cat([1 + c["warmth"], torch.ones_like(c["warmth"]), 1 - c["warmth"]], 1)
    c.image.mul_(fall * warmth[..., None])


def _render_chunk(f: Mapping[str, Tensor], size: int) -> Tensor:
    smooth, noise = _fields(size, f["scale"].device)
    flat = {k: v[:, None, None] if v.dim() == 1 else v[:, :, None, None] for k, v in f.items()}
    canvas = _canvas(flat, size)
    backdrop = _windows(smooth, size, f["backdrop_x"], f["backdrop_y"])
    canvas.image[:] = flat["backdrop_colour"] + (flat["clutter"] * backdrop)[:, None]
    for part in PARTS:
        part(canvas)
    _light(canvas)
    image = canvas.image
    image += _windows(noise, size, f["grain_x"], f["grain_y"]) * (flat["noise"] / 255)[:, None]
    return image.mul_(255).add_(0.5).clamp_(0, 255).to(torch.uint8)


@torch.no_grad()
def render(factors: Mapping[str, Tensor], size: int) -> Tensor:
    """Render faces.

    Args:
        factors: from `face_factors.compose`, (N,) or (N, 3) float32 each, on any one device.
        size: height and width in pixels, 32 to 224.

    Returns:
        (N, 3, size, size) uint8 RGB on the device of the factors.

    Raises:
        ValueError: the size cannot be drawn.
    """
    check_size(size)
    total = len(factors["scale"])
    step = max(1, _CHUNK_PIXELS // size**2)
    image = torch.empty((total, 3, size, size), dtype=torch.uint8, device=factors["scale"].device)
    with _one_thread():
        for start in range(0, total, step):
            chunk = {k: v[start : start + step] for k, v in factors.items()}
            image[start : start + step] = _render_chunk(chunk, size)
    return image


@contextmanager
def _one_thread() -> Iterator[None]:
    """Limit torch to one thread: the operations are too small to share.

    Two threads gain a tenth on an idle machine; on a busy one, where OpenMP threads wait for each other, they
    were a hundred times slower. Loader processes (`num_workers`) help from 112 pixels on.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def check_size(size: int) -> None:
    """Raise ValueError if faces of this size cannot be drawn."""
    if size not in SIZES:
        raise ValueError(f"faces can be drawn at sizes from {SIZES[0]} to {SIZES[-1]} pixels, not {size}")
