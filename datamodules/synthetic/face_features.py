"""Draw the inner features of a synthetic face, which its action units move."""

import torch

from datamodules.synthetic.face_canvas import Canvas, colour, front


def nose(c: Canvas) -> None:
    """Draw ridge, tip, wings and nostrils; AU9's wrinkles on the bridge and folds beside it."""
    c = c.band(-0.2, 0.55)
    x, y = front(c, 1.5)
    y = y - c["nose_y"]
    side, width = x.abs(), c["nose_width"]
    length = c["nose_y"] - c["eye_y"]
    along = ((y + length) / length).clamp_(0, 1) * c.inside(-y, 0.06)
    flank = (1 - ((side - 0.55 * width) / 0.055).square_()).clamp_(min=0)
    lit = 1 + 2.5 * (c["light_x"] * x.sign()).clamp_(-0.3, 0.3)
    c.shade(flank * along * lit * (c["nose_ridge"] * 0.9))
    c.shade(c.spot(x, y + 0.05, 0.6 * width, 0.10) * -0.12)
    c.shade(c.spot(x, y - 0.02, 1.15 * width, 0.05) * 0.30)
    c.shade(c.spot(side - width, y + 0.015, 0.035, 0.05 + c["nostril"]) * 0.30)
    c.shade(c.spot(side - 0.5 * width, y + 0.002, 0.36 * width, 0.024 + 0.6 * c["nostril"]) * 0.85)
    bridge = c.spot(x, y + 0.72 * length, 0.11, 0.13)
    ripple = ((y * 11).remainder_(1) - 0.5).abs_().mul_(2)
    c.shade(bridge * ripple * (0.65 * c["wrinkle"]))
    fold = c.line(side - width - 0.05 - 0.55 * y.clamp(min=-0.1), 0.035) * c.inside(y + 0.06, 0.06)
    c.shade(fold * c.inside(0.20 - y, 0.12) * (0.08 + 0.24 * c["wrinkle"] + 0.14 * c["AU12"]))


def eyes(c: Canvas) -> None:
    """Draw white, iris, pupil and highlight between the lids; lashes, crease, folds of AU6 and AU7."""
    c = c.band(-0.25, 0.2)
    x, y = front(c)
    out = x.abs() - c["eye_gap"]
    arc = 1 - (out / c["eye_width"]).square_()
    y = y - c["eye_y"] + c["eye_tilt"] * out
    c.shade(c.spot(out, y + 0.02, 1.5 * c["eye_width"], 0.15) * 0.16)
    upper = (c["eye_open"] + c["lid_upper"]).clamp(min=0.012) * -arc
    lower = (0.75 * c["eye_open"] + c["lid_lower"]).clamp(min=0.006) * arc
    ball = c.inside(torch.minimum(y - upper, lower - y))
    c.paint(ball, colour(c, 0.94, 0.93, 0.92))
    distance = out.square() + y.square()
    radius = 0.066
    c.paint(ball * c.inside((radius**2 - distance) / (2 * radius)), c["iris_colour"])
    c.paint(ball * c.inside((0.032**2 - distance) / 0.064), colour(c, 0.04, 0.03, 0.03))
    c.paint(ball * c.spot(out - 0.022, y + 0.022, 0.028, 0.028), colour(c, 1.0, 1.0, 1.0))
    thick = c["lashes"] + 0.004
    wing = c.inside(arc * 0.08 + 0.015)
    c.paint(c.inside(torch.minimum(upper - y + thick, y - upper + thick)) * wing, colour(c, 0.08, 0.05, 0.05))
    c.shade(c.line(y - lower - 0.008, 0.016) * wing * 0.45)
    c.shade(c.line(y - upper + 0.045, 0.018) * wing * 0.25)
    bag = c.line(y - lower - 0.05, 0.03) * c.inside(arc * 0.1 + 0.04, 0.08)
    c.shade(bag * (0.06 + 0.30 * c["cheek"]))


def brows(c: Canvas) -> None:
    """Draw brows, bent by AU1, AU2 and AU4, and AU4's furrows between them."""
    c = c.band(-0.5, 0.02)
    x, y = front(c)
    half = 1.28 * c["eye_width"]
    along = (x.abs() - c["eye_gap"] - 0.012 + c["brow_knit"]) / half
    clipped = along.clamp(-1, 1)
    arc = 1 - clipped.square()
    inner, outer = 0.5 * c["brow_inner"], 0.5 * c["brow_outer"]
    bend = (inner + outer) + (outer - inner) * clipped + (c["brow_middle"] - c["brow_arch"]) * arc
    y = y - c["eye_y"] + c["brow_gap"] - bend
    thick = c["brow_thick"] * (1.0 - 0.35 * clipped)
    c.paint(c.inside(thick - y.abs()) * c.inside((1 - along.abs()) * half, 0.04), c["brow_colour"])
    furrow = c.line(x.abs() - 0.05, 0.028) * c.spot(x, y - 0.02, 0.5, 0.11)
    c.shade(furrow * (0.55 * c["frown"]))


def mouth(c: Canvas) -> None:
    """Draw lips, and teeth in the gap between them."""
    c = c.band(0.2, 0.75)
    x, y = front(c, 1.2)
    s = x / c["mouth_width"]
    square = s.square()
    arc = 1 - square
    y = y - c["mouth_y"] - c["mouth_curve"] * (square.clamp(max=1.3) - 0.45)
    top, bottom = -c["gap_upper"] * arc, c["gap_lower"].clamp(min=0) * arc
    slim = 1 - c["lip_tight"].clamp(max=0.8)
    bow = c["upper_lip"] * slim * arc * (0.72 + 0.9 * s.abs().clamp(max=1))
    full = c["lower_lip"] * slim * (1 + c["lip_roll"]) * arc
    c.shade(c.spot(x, y - 0.14 - c["gap_lower"], 0.75 * c["mouth_width"], 0.06) * 0.18)
    c.paint(c.inside(torch.minimum(y - top + bow, bottom + full - y)), c["lip_colour"])
    c.shade(c.spot(x, y - bottom - 0.6 * full, 0.6 * c["mouth_width"], 0.02) * -0.18)
    gap = c.inside(torch.minimum(y - top, bottom - y) - 0.65 * c.pixel)  # a closed mouth has none
    c.paint(gap, colour(c, 0.22, 0.06, 0.06))
    c.paint(gap * c.inside(0.038 - y + top), colour(c, 0.95, 0.93, 0.88))
    seam = c.line(y - top, 0.020) * c.inside(arc * 0.1 + 0.015)
    c.paint(seam * 0.75, colour(c, 0.20, 0.08, 0.08))
