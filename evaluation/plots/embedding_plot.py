"""Plot a representation in two dimensions, coloured by an attribute."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evaluation.plots.parts import legend_above, line_key, panel_grid
from evaluation.plots.style import PALETTE, Look, shown, styled
from evaluation.probes.embedding_map import COMPONENTS, perplexity
from evaluation.samples.arrays import Floats, Ints

_MARKERS = "os"
_CLASSES = len(PALETTE) * len(_MARKERS)  # distinguishable by colour and marker
_GREY = "#bbbbbb"


@styled
def plot_embedding(
    views: Mapping[str, Floats], label: Ints, classes: Sequence[str], *, samples: int | None = None
) -> Figure:
    """Draw the points of one or more views side by side, coloured by class.

    With more classes than distinguishable colours, the most frequent get colours and the others are grey. A
    line below states the number of samples and the projection.

    Args:
        views: title, such as "x" or "f₃(x)", -> points (n, 2) of `tsne_points`.
        label: (n,) classes, -1 where unknown.
        classes: class names in label order.
        samples: number of samples that the n were drawn from, if more.

    Raises:
        ValueError: nothing to draw, or views and labels of different lengths.
    """
    if lengths := {len(points) for points in views.values()} ^ {len(label)}:
        raise ValueError(f"there are {len(label)} labels, but views of {sorted(lengths)} points")
    if not len(label):
        raise ValueError("there is nothing to draw: no points")
    present, counts = np.unique(label[label >= 0], return_counts=True)
    chosen = np.sort(present[np.argsort(-counts, kind="stable")[:_CLASSES]])
    figure, panels = panel_grid(len(views), 3.7)
    for axes, (title, points) in zip(panels, views.items(), strict=True):
        _scatter(axes, points, label, chosen)
        axes.set(title=shown(title), xticks=[], yticks=[])
        axes.set_box_aspect(1)
        axes.spines[:].set_visible(True)
    entries = [(shown(classes[c]), line_key(linestyle="none", **_look(i))) for i, c in enumerate(chosen)]
    if grey := _grey_name(label, chosen):
        entries.append((grey, line_key(linestyle="none", marker="o", color=_GREY)))
    legend_above(figure, entries)
    drawn = f"{len(label):,} of {samples:,} samples" if samples else f"{len(label):,} samples"
    how = f"t-SNE of {COMPONENTS} principal components, perplexity {perplexity(len(label)):.3g}"
    figure.supxlabel(f"{drawn}, {how}" if len(views) > 1 else f"{drawn},\n{how}", fontsize=7)
    return figure


def _look(place: int) -> Look:
    """Return the colour and marker of a class by its place among the coloured ones."""
    return {"color": PALETTE[place % len(PALETTE)], "marker": _MARKERS[place // len(PALETTE)]}


def _scatter(axes: Axes, points: Floats, label: Ints, chosen: Ints) -> None:
    """Draw the points in random order for each marker, so that no class covers the others."""
    looks = {c: _look(i) for i, c in enumerate(chosen)}
    grey = points[~np.isin(label, chosen)]
    axes.scatter(grey[:, 0], grey[:, 1], s=5, color=_GREY, linewidths=0)
    order = [i for i in np.random.default_rng(0).permutation(len(label)) if label[i] in looks]
    for marker in dict.fromkeys(look["marker"] for look in looks.values()):
        rows = [i for i in order if looks[label[i]]["marker"] == marker]
        colours = [looks[label[i]]["color"] for i in rows]
        x, y = points[rows].T
        axes.scatter(x, y, s=6, c=colours, marker=marker, alpha=0.75, linewidths=0)


def _grey_name(label: Ints, chosen: Ints) -> str:
    """Name the grey points; empty if there are none."""
    others = len(np.setdiff1d(label[label >= 0], chosen))
    parts = [f"{others} other classes"] * bool(others) + ["unknown"] * bool((label < 0).any())
    return ", ".join(parts)
