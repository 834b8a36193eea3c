"""The image that faces are painted on, with the face's own coordinates."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

ZOOM, DROP = 1.1, 0.06  # half images: length of the face's unit, and of the way from the centre to its origin
_SLACK = 0.2  # the farthest that pose moves a point up or down


@dataclass
class Canvas:
    """Images of n faces, or a band of their rows.

    Args:
        image: (n, 3, h, w) RGB in [0, 1], painted in place.
        x: (n, h, w) horizontal position, in half images; 0 is the middle line of the face.
        y: (n, h, w) vertical position; 0 is about the level of the cheekbones.
        pixel: size of a pixel in half images.
        factors: drawing factors, (n, 1, 1) each, colours (n, 3, 1, 1).
    """

    image: Tensor
    x: Tensor
    y: Tensor
    pixel: float
    factors: Mapping[str, Tensor]

    def __getitem__(self, name: str) -> Tensor:
        return self.factors[name]

    def band(self, low: float, high: float) -> "Canvas":
        """Select the rows that can hold anything between two heights of the face, in any pose."""
        size = self.image.shape[-1]
        first = max(0, int((low * ZOOM + DROP - _SLACK + 1) / self.pixel))
        last = min(size, int((high * ZOOM + DROP + _SLACK + 1) / self.pixel) + 1)
        rows = slice(first, last)
        return Canvas(self.image[:, :, rows], self.x[:, rows], self.y[:, rows], self.pixel, self.factors)

    def inside(self, depth: Tensor, blur: float = 0.0) -> Tensor:
        """Return the cover (n, h, w) in [0, 1] of a shape where `depth` > 0, soft over `blur` or a pixel."""
        return (depth / max(blur, 1.3 * self.pixel)).add_(0.5).clamp_(0, 1)

    def spot(self, x: Tensor, y: Tensor, width: Tensor | float, height: Tensor | float) -> Tensor:
        """Return the cover of a soft ellipse around (x, y) = 0: 1 in the middle, 0 at half its axes."""
        return (1 - (x / width).square_() - (y / height).square_()).clamp_(min=0)

    def line(self, distance: Tensor, width: float) -> Tensor:
        """Return the cover of a soft line, `distance` from its middle; lines below a pixel fade."""
        blurred = max(width, self.pixel)
        return (width / blurred - distance.abs() * (width / blurred**2)).clamp_(min=0)

    def paint(self, cover: Tensor, colour: Tensor) -> None:
        """Blend a colour into the image through a cover."""
        self.image.lerp_(colour, cover[:, None])

    def shade(self, amount: Tensor) -> None:
        """Darken (or, if negative, lighten) by a share (n, h, w) of the light."""
        self.image.mul_((1 - amount)[:, None])


def colour(canvas: Canvas, *rgb: float) -> Tensor:
    """Return a fixed colour as (3, 1, 1) on the canvas' device."""
    return torch.tensor(rgb, device=canvas.image.device)[:, None, None]


def front(c: Canvas, depth: float = 1.0) -> tuple[Tensor, Tensor]:
    """Return coordinates of the inner face: turning the head shifts its middle, not its outline."""
    bulge = (1 - (c.x / c["head_width"]).square_()).clamp_(min=-0.3)
    return c.x - bulge * (c["yaw"] * depth * 1.6), c.y - c["pitch"] * depth
