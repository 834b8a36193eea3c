"""Place names beside points without overlaps.

By hand and not by adjustText (1.4), which moves all labels by simulated forces and stops after a second of
time or a number of steps: overlaps may be left, and one more label shifts all others. Trying a fixed list of
places is shorter than its tuning, gives the same bytes on every machine, and needs no further dependency.
"""

from itertools import product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from evaluation.plots.style import Look
from evaluation.samples.arrays import Floats

# candidate places: nearer ones first, and the right side before the others
_SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
_DISTANCES = (5, 12, 22, 34)  # points; from the second on a line is drawn
_NOTHING = 1e-6  # square pixels: an overlap by rounding
_RADIUS = 3.5  # points: of a marker
_LOOK: Look = {
    "fontsize": 7,
    "bbox": {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.6},
    "arrowprops": {"arrowstyle": "-", "color": "#999999", "linewidth": 0.5, "shrinkA": 0, "shrinkB": 3},
}
_ALIGN_X, _ALIGN_Y = {1: "left", 0: "center", -1: "right"}, {1: "bottom", 0: "center", -1: "top"}


def label_points(
    axes: Axes, x: Floats, y: Floats, names: list[str], whisker: tuple[Floats, Floats] | None = None
) -> None:
    """Write names beside points so that they cover no point, no whisker and no other name.

    Names far from their point get a thin line to it. If every place is taken, as with dozens of points, the
    one with the least overlap is used.

    Args:
        axes: with its final limits.
        x: (n,) of the points.
        y: (n,) of the points.
        names: n names.
        whisker: lower and upper ends (n,) of vertical whiskers.
    """
    figure = axes.figure
    assert isinstance(figure, Figure)  # and no figure inside a figure
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()  # the layout decides how large the axes are
    point = figure.dpi / 72
    low, high = (axes.transData.transform(np.column_stack([x, end])) for end in whisker or (y, y))
    centre = axes.transData.transform(np.column_stack([x, y]))
    taken = np.hstack([low - _RADIUS * point, high + _RADIUS * point])
    within = np.array([axes.bbox.extents])
    for i, name in enumerate(names):
        label = axes.annotate(name, (x[i], y[i]), (0, 0), textcoords="offset points", **_LOOK)
        size = np.array(Text.get_window_extent(label, renderer).size)
        others, best, covered = np.delete(taken, i, axis=0), taken[i], np.inf
        for distance, side in product(_DISTANCES, _SIDES):
            # the corner of a label on the left is further away by the label's width, and so on
            corner = centre[i] + np.multiply(side, distance * point) + (np.sign(side) - 1) * size / 2
            box = np.concatenate([corner, corner + size])
            overlap = size.prod() - _common(box, within) + _common(box, others)
            if overlap < covered:
                best, covered = box, overlap
                label.set(position=np.multiply(side, distance), ha=_ALIGN_X[side[0]], va=_ALIGN_Y[side[1]])
                line = label.arrow_patch
                assert line is not None  # _LOOK asks for one
                line.set_visible(distance > _DISTANCES[0])
            if covered < _NOTHING:
                break
        taken = np.vstack([taken, best])


def _common(box: Floats, others: Floats) -> float:
    """Sum the areas that a box (x0, y0, x1, y1) shares with others (n, 4)."""
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    return float(sides.clip(min=0).prod(axis=1).sum())
