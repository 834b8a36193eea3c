"""What the tests read from figures."""

import numpy as np


def legend_names(figure):
    (legend,) = figure.legends
    return [text.get_text() for text in legend.get_texts()]


def horizontal_lines(axes):
    """Heights of the lines from side to side."""
    return [
        float(line.get_ydata()[0])
        for line in axes.lines
        if list(line.get_xdata()) == [0, 1] and line.get_ydata()[0] == line.get_ydata()[1]
    ]


def vertical_lines(axes):
    """Places of the lines from bottom to top."""
    return [
        float(line.get_xdata()[0])
        for line in axes.lines
        if list(line.get_ydata()) == [0, 1] and line.get_xdata()[0] == line.get_xdata()[1]
    ]


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
