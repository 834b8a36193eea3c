import pandas as pd
import pytest

from evaluation.plots.power_plot import plot_power
from tests.support.figures import horizontal_lines, legend_names


@pytest.fixture
def frame():
    rows = [
        (name, attribute, accuracy, detected)
        for name, best in (("x", 0.9), ("phi", 1.0))
        for attribute in ("emotion", "male")
        for accuracy, detected in ((0.7, best), (0.5, 0.05), (0.6, 0.4))
    ]
    return pd.DataFrame(rows, columns=["representation", "attribute", "accuracy", "detected"])


def test_each_line_is_the_curve_of_a_representation(frame):
    figure = plot_power(frame)
    assert [axes.get_title() for axes in figure.axes] == ["emotion", "male"]
    first, second = figure.axes[0].lines[:2]
    assert list(first.get_xdata()) == [0.5, 0.6, 0.7]
    assert list(first.get_ydata()) == [0.05, 0.4, 0.9]
    assert second.get_ydata()[-1] == 1


def test_says_what_it_shows(frame):
    figure = plot_power(frame, power=0.9)
    assert legend_names(figure) == ["x", "phi", "90 %"]
    for axes in figure.axes:
        assert horizontal_lines(axes) == [0.9]
        assert axes.get_xlabel() == "Planted leak: balanced accuracy (%)"
        assert axes.get_ylabel() == "Found (% of draws)"


def test_a_missing_column_is_named(frame):
    with pytest.raises(ValueError, match="the power table has no column detected"):
        plot_power(frame.drop(columns="detected"))
