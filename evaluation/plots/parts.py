"""Parts that several figures share: panels, legends, whiskers, and checks of a frame."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter
from numpy.typing import ArrayLike

from evaluation.plots.style import COLUMN, INK, PAGE, Look, shown


def require(frame: pd.DataFrame, what: str, columns: Sequence[str]) -> None:
    """Raise a ValueError if the frame has no rows, or lacks one of the columns."""
    if missing := [name for name in columns if name not in frame]:
        raise ValueError(f"the {what} table has no column {', '.join(missing)}; it has {list(frame)}")
    if frame.empty:
        raise ValueError(f"there is nothing to draw: the {what} table has no rows")


def split(frame: pd.DataFrame, column: str) -> dict[Any, pd.DataFrame]:
    """Map each value of a column to its rows, in order of appearance."""
    return dict(iter(frame.groupby(column, sort=False)))


def panel_grid(
    count: int, height: float, *, sharex: bool = False, sharey: bool = False
) -> tuple[Figure, list[Axes]]:
    """Make a figure of `count` panels: one is as wide as a column, more fill rows over both columns.

    Args:
        count: number of panels, at least 1.
        height: height of a row of panels in inches, with its title and labels.
        sharex: share the x axis.
        sharey: share the y axis.
    """
    columns = panels_in_a_row(count)
    rows = -(-count // columns)
    figure = Figure((PAGE if columns > 1 else COLUMN, rows * height), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, sharex=sharex, sharey=sharey, squeeze=False).ravel()
    for axes in grid:
        axes.tick_params(labelbottom=True)  # each has its own label too
    for spare in grid[count:]:
        spare.remove()
    return figure, list(grid[:count])


def panels_in_a_row(count: int) -> int:
    """Return the columns of a grid of panels: two for pairs, otherwise three."""
    return count if count < 4 else 2 if count == 4 else 3


def legend_above(figure: Figure, entries: Sequence[tuple[str, Artist]]) -> None:
    """Draw one legend above all panels, in as many columns as fit the width of the figure."""
    labels, handles = zip(*entries, strict=True)
    # a label that starts with _ would be left out; a space without width keeps it
    labels = tuple(f"\u200b{label}" if label.startswith("_") else label for label in labels)
    for columns in range(len(entries), 0, -1):
        legend = figure.legend(handles, labels, loc="outside upper center", ncols=columns)
        if columns == 1 or legend.get_window_extent().width <= figure.bbox.width:
            return
        legend.remove()


def line_key(**look: Any) -> Line2D:
    """Make the legend handle of a line or a marker."""
    return Line2D([], [], **look)


CHANCE: Look = {"color": INK, "linestyle": (0, (4, 2)), "linewidth": 0.9}


def whiskers(value: ArrayLike, low: ArrayLike, high: ArrayLike) -> np.ndarray:
    """Compute the (2, n) lengths of error bars from the ends of intervals.

    An end on the wrong side of its value, by rounding, gives a length of 0.
    """
    value, low, high = (np.asarray(x, float) for x in (value, low, high))
    return np.clip([value - low, high - value], 0, None)


def draw_intervals(axes: Axes, at: ArrayLike, value: ArrayLike, ends: tuple[ArrayLike, ArrayLike]) -> None:
    """Draw horizontal whiskers at the heights `at`."""
    axes.errorbar(value, at, xerr=whiskers(value, *ends), fmt="none", ecolor=INK, elinewidth=0.8, capsize=1.8)


def percent_axis(axis: Axis) -> None:
    """Format the ticks of shares in percent; the axis label should name the unit."""
    axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.6g}".replace("-", "−")))


def heading(name: object, chance: float) -> str:
    """Make the title of a panel about an attribute."""
    return f"{shown(name)} (chance {100 * chance:.1f} %)"


def one_chance(frame: pd.DataFrame) -> float:
    """Return the chance level that all rows share.

    Raises:
        ValueError: the chance levels differ.
    """
    if len(levels := frame["chance"].unique()) != 1:
        raise ValueError(f"the rows of one attribute differ in their chance level: {list(levels)}")
    return float(levels[0])
