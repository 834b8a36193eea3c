import numpy as np
import pandas as pd
import pytest

from evaluation.plots.suppression_plot import plot_suppression
from tests.support.figures import horizontal_lines, legend_names

DRAWS = {0.0: [0.9, 0.9, 0.9], 0.5: [0.7, 0.8, 0.6], 0.9: [0.3, 0.5, 0.4]}


@pytest.fixture
def frame():
    rows = [
        (name, "emotion", share, draw, value - drop, 0.25)
        for name, drop in (("x", 0), ("phi", 0.05))
        for share, draws in reversed(DRAWS.items())
        for draw, value in enumerate(draws)
    ]
    columns = ["representation", "attribute", "share_removed", "draw", "balanced_accuracy", "chance"]
    return pd.DataFrame(rows, columns=columns)


def test_the_line_is_the_mean_and_the_band_the_range(frame):
    figure = plot_suppression(frame)
    (axes,) = figure.axes
    line = axes.lines[0]
    assert list(line.get_xdata()) == [0, 0.5, 0.9]
    np.testing.assert_allclose(line.get_ydata(), [0.9, 0.7, 0.4])
    band = axes.collections[0].get_paths()[0].vertices
    for share, draws in DRAWS.items():
        ends = band[band[:, 0] == share, 1]
        assert (ends.min(), ends.max()) == (min(draws), max(draws))


def test_says_what_it_shows(frame):
    figure = plot_suppression(frame)
    (axes,) = figure.axes
    assert axes.get_title() == "emotion (chance 25.0 %)"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Features removed (%)", "Balanced accuracy (%)")
    assert horizontal_lines(axes) == [0.25]
    assert axes.get_ylim()[0] < 0.25
    assert legend_names(figure) == ["x", "phi", "chance"]


def test_one_panel_an_attribute_with_its_own_chance(frame):
    male = frame.assign(attribute="male", chance=0.5)
    figure = plot_suppression(pd.concat([frame, male]))
    assert [horizontal_lines(axes) for axes in figure.axes] == [[0.25], [0.5]]
