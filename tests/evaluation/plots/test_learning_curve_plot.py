import numpy as np
import pandas as pd
import pytest

from evaluation.plots.learning_curve_plot import plot_learning_curve
from tests.support.figures import horizontal_lines, legend_names, whiskers_of

SIZES = {2000: "extrapolated", 250: "measured", 1000: "measured"}


@pytest.fixture
def frame():
    rows = [
        (name, attribute, attacker, n, 0.6 + n / 1e4 + shift, 0.55, 0.95, kind, 0.5)
        for name, shift in (("x", 0.1), ("phi", 0))
        for attribute in ("male", "smiling")
        for attacker in ("linear", "kernel_rbf")
        for n, kind in SIZES.items()
    ]
    columns = "representation attribute attacker n_train balanced_accuracy low high kind chance"
    return pd.DataFrame(rows, columns=columns.split())


def test_one_panel_for_each_attribute_and_attacker(frame):
    figure = plot_learning_curve(frame)
    assert [axes.get_title() for axes in figure.axes] == [
        f"{attribute} (chance 50.0 %): {attacker}"
        for attribute in ("male", "smiling")
        for attacker in ("linear", "kernel_rbf")
    ]
    for axes in figure.axes:
        assert axes.get_xscale() == "log"
        assert axes.xaxis.get_major_formatter()(1000) == "1,000"
        assert horizontal_lines(axes) == [0.5]


def test_lines_and_whiskers_are_those_of_the_frame(frame):
    axes = plot_learning_curve(frame).axes[0]
    line = axes.lines[0]
    assert list(line.get_xdata()) == [250, 1000, 2000]
    np.testing.assert_allclose(line.get_ydata(), [0.725, 0.8, 0.9])
    np.testing.assert_allclose(whiskers_of(axes, 1), np.tile([0.55, 0.95], (6, 1)))


def test_extrapolated_markers_are_hollow(frame):
    axes = plot_learning_curve(frame).axes[0]
    faces = {tuple(c.lines[0].get_xdata()): c.lines[0].get_markerfacecolor() for c in axes.containers}
    assert faces[2000,] == "white"
    assert faces[250, 1000] != "white"
    assert legend_names(plot_learning_curve(frame)) == ["x", "phi", "extrapolated", "chance"]


def test_a_missing_column_is_named(frame):
    with pytest.raises(ValueError, match="the learning curve table has no column chance"):
        plot_learning_curve(frame.drop(columns="chance"))
