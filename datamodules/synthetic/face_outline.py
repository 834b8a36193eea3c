"""Draw the head of a synthetic face: outline, skin, hair and marks."""

import torch
from torch import Tensor

from datamodules.synthetic.face_canvas import Canvas, colour, front


def _head_depth(c: Canvas) -> Tensor:
    """Return the depth inside the outline of the head, in half images near its edge."""
    above = (c.y.clamp(max=0) / (c["head_top"])).square_()
    below = c.y.clamp(min=0) / c["chin"]
    wide = (c.x / (c["head_width"] * (1 - c["taper"] * below))).square_()
    below = below.square_()
    return (1 - above - wide - below * (1 - c["jaw"] + c["jaw"] * below)) * (0.5 * c["head_width"])


def _hair_depth(c: Canvas, volume: Tensor) -> Tensor:
    """Return the depth inside the head enlarged by the hair, which thins out at its end."""
    grown = volume * ((c["hair_length"] + 0.05 - c.y) * 2.2).clamp_(0, 1)
    wide = (c.x / (c["head_width"] + grown)).square_()
    high = (c.y.clamp(max=0) / (c["head_top"] + grown)).square_()
    return (1 - wide - high) * (0.5 * c["head_width"])


def back_hair(c: Canvas) -> None:
    """Draw the hair behind the head, down to its length."""
    volume = c["hair_volume"] * 1.1 + 0.10 * c["hair_length"].clamp(min=0)
    ragged = c["hair_length"] + 0.12 - 0.25 * c.x.square()
    c.paint(c.inside(_hair_depth(c, volume)) * c.inside(ragged - c.y, 0.12), 0.8 * c["hair_colour"])


def body(c: Canvas) -> None:
    """Draw shoulders and neck."""
    c = c.band(0.3, 1.1)
    rise = c.y - 0.86 - 0.28 * c.x.square()
    c.paint(c.inside(rise), c["cloth_colour"])
    neck = (0.58 * c["head_width"] - c.x.abs()).minimum(0.97 - 0.9 * c.x.square() - c.y)
    c.paint(c.inside(neck) * c.inside(c.y - 0.2), 0.80 * c["skin_colour"])


def ears(c: Canvas) -> None:
    """Draw both ears, half behind the head."""
    c = c.band(-0.2, 0.3)
    out = ((c.x.abs() - c["head_width"]) / c["ear"]).square_()
    c.paint(c.inside((1 - out - ((c.y - 0.06) / 0.17).square_()) * 0.06), 0.90 * c["skin_colour"])


def head(c: Canvas) -> None:
    """Draw the skin with its shading, and the cheeks that blush or that AU6 raises."""
    depth = _head_depth(c)
    round_off = (depth / (0.5 * c["head_width"])).clamp_(0, 1)  # 1 in the middle, 0 at the outline
    skin = c["skin_colour"] * (0.80 + 0.34 * round_off - 0.10 * round_off.square())[:, None]
    cover = c.inside(depth)
    c.image.lerp_(skin, cover[:, None])
    low = c.band(-0.1, 0.85)
    x, y = front(low)
    cheek = low.spot(x.abs() - 0.33, y - 0.23, 0.24, 0.20)
    flush = low["skin_colour"] * colour(c, 1.15, 0.62, 0.62)
    low.paint(cheek * (1.3 * low["blush"] + 0.22 * low["cheek"]).clamp(0, 0.8), flush)


def beard(c: Canvas) -> None:
    """Draw shadow or beard on jaw and upper lip."""
    c = c.band(0.05, 0.9)
    x, y = front(c)
    depth = _head_depth(c)
    edge = y - 0.30 + 0.55 * (x.abs() - 0.28).clamp_(min=-0.2)
    cover = c.inside(edge, 0.12) * c.inside(depth)
    c.paint(cover.mul_(c["beard"]), 0.55 * c["hair_colour"] + 0.03)


def marks(c: Canvas) -> None:
    """Draw freckles over nose and cheeks, and a mole."""
    c = c.band(0.0, 0.7)
    x, y = front(c)
    ripple = ((x * 9).remainder(1) - 0.5).abs_() + ((y * 9 + x * 4).remainder_(1) - 0.5).abs_()
    dots = (0.36 - ripple).clamp_(min=0) * c.spot(x, y - 0.17, 0.42, 0.14)
    c.shade(dots * (2.0 * c["freckles"].clamp(min=0)))
    spot = c.inside(c["mole"] - ((x - c["mole_x"]).square_() + (y - c["mole_y"]).square_()) * 18)
    c.paint(spot * (c["mole"] > 0.004), colour(c, 0.20, 0.11, 0.08))


def front_hair(c: Canvas) -> None:
    """Draw the hair over the forehead and, when long, down the sides."""
    long = c["hair_length"].clamp(0, 1)
    x = c.x - 0.5 * c["yaw"]
    hairline = c["hairline"] + c["hair_part"] * x + (c["hair_curve"].clamp(min=0.2) + 0.9 * long) * x.square()
    cover = c.inside(torch.minimum(hairline - c.y, c["hair_length"] + 0.05 - c.y))
    cover *= c.inside(_hair_depth(c, c["hair_volume"]))
    strand = ((x + 0.06 * c["hair_wave"]) / (c.y + 1.7) * 12).remainder_(1).sub_(0.5).abs_()
    shine = (1 - ((c.y + 0.62 - 0.45 * c.x.square()) / 0.14).square_()).clamp_(min=0)
    gloss = 0.82 + 0.24 * strand + 0.28 * shine - 0.12 * c.y
    c.image.lerp_(c["hair_colour"] * gloss[:, None], cover[:, None])
