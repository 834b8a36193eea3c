"""Readers of figures."""

import numpy as np


def legend_names(figure):
    (legend,) = figure.legends
    return [text.get_text() for text in legend.get_texts()]


def horizontal_lines(axes):
    """Heights of the lines from side to side."""
    return _across([(line.get_xdata(), line.get_ydata()) for line in axes.lines])


def vertical_lines(axes):
    """Places of the lines from bottom to top."""
    return _across([(line.get_ydata(), line.get_xdata()) for line in axes.lines])


def _across(lines):
    return [float(at[0]) for along, at in lines if list(along) == [0, 1] and at[0] == at[1]]


def whiskers_of(axes, direction):
    """Ends (n, 2) of the whiskers: `direction` 0 horizontal, 1 vertical."""
    return np.array(
        [
            [segment[0][direction], segment[1][direction]]
            for container in axes.containers
            if hasattr(container, "has_xerr")
            for segment in container.lines[2][0].get_segments()
            if len(segment)
        ]
    )
