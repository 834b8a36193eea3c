import numpy as np
import pandas as pd
import pytest
from matplotlib.lines import Line2D

from evaluation.plots.attribute_map_plot import plot_attribute_map
from evaluation.plots.bias_sweep_plot import plot_bias_sweep
from evaluation.plots.group_bars import plot_group_bars, plot_signed_gaps
from evaluation.plots.leakage_plot import plot_leakage
from evaluation.plots.parts import legend_above, one_chance, panel_grid, percent_axis, require, whiskers
from evaluation.plots.style import COLUMN, PAGE, styled
from evaluation.plots.suppression_plot import plot_suppression
from evaluation.plots.tradeoff_plot import plot_tradeoff
from evaluation.plots.verification_plots import plot_det, plot_error_rates, plot_roc, plot_score_histogram

GROUPS = ("no", "yes")
COLUMNS = """
    representation attribute attacker scaling balanced_accuracy low high chance share_removed draw threshold
    fmr fnmr score width genuine impostor leakage auc group tpr tpr_low tpr_high measure gap bias
""".split()  # noqa: SIM905


@pytest.mark.parametrize(
    "plot",
    [
        plot_attribute_map,
        lambda frame: plot_bias_sweep(frame, GROUPS),
        plot_group_bars,
        lambda frame: plot_signed_gaps(frame, GROUPS),
        plot_leakage,
        plot_suppression,
        lambda frame: plot_tradeoff(frame, chance=0.5),
        plot_roc,
        plot_det,
        plot_error_rates,
        plot_score_histogram,
    ],
)
def test_every_plot_says_what_is_wrong_with_a_frame(plot):
    with pytest.raises(ValueError, match="table has no column .*; it has"):
        plot(pd.DataFrame({"other": [1]}))
    with pytest.raises(ValueError, match="nothing to draw: the .* table has no rows"):
        plot(pd.DataFrame(columns=COLUMNS))


def test_require_names_what_is_missing():
    require(pd.DataFrame({"a": [1], "b": [1]}), "toy", ["a"])
    with pytest.raises(ValueError, match="the toy table has no column b, c; it has .'a'"):
        require(pd.DataFrame({"a": [1]}), "toy", ["a", "b", "c"])


@pytest.mark.parametrize(
    ("count", "width", "grid"),
    [(1, COLUMN, (1, 1)), (2, PAGE, (1, 2)), (3, PAGE, (1, 3)), (4, PAGE, (2, 2)), (5, PAGE, (2, 3))],
)
def test_panels_fill_one_column_or_two(count, width, grid):
    figure, panels = panel_grid(count, 1.5, sharex=True)
    assert len(panels) == count == len(figure.axes)
    assert list(figure.get_size_inches()) == [width, 1.5 * grid[0]]
    assert {axes.get_gridspec().get_geometry() for axes in panels} == {grid}


@styled
def _with_legend(names):
    figure, _ = panel_grid(1, 2)
    legend_above(figure, [(name, Line2D([], [])) for name in names])
    return figure


@pytest.mark.parametrize("names", [["a", "b"], ["a" * 28] * 5, ["a" * 28, *"bcdef"]])
def test_a_legend_fits_the_figure_and_covers_no_panel(names):
    figure = _with_legend(names)
    figure.draw_without_rendering()
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.width
    assert box.y0 >= figure.axes[0].get_window_extent().y1
    assert len(legend.get_texts()) == len(names)


def test_a_short_legend_is_one_line():
    assert _with_legend(["a", "b", "c"]).legends[0]._ncols == 3


def test_whiskers_are_lengths_and_never_negative():
    np.testing.assert_allclose(whiskers([0.5, 0.7], [0.4, 0.7 + 1e-16], [0.55, 0.8]), [[0.1, 0], [0.05, 0.1]])


def test_one_chance():
    assert one_chance(pd.DataFrame({"chance": [0.25, 0.25]})) == 0.25
    with pytest.raises(ValueError, match="differ in their chance level"):
        one_chance(pd.DataFrame({"chance": [0.25, 0.5]}))


def test_percent_axis():
    _, (axes,) = panel_grid(1, 2)
    percent_axis(axes.xaxis)
    form = axes.xaxis.get_major_formatter()
    assert [form(share, 0) for share in (0, 0.25, 1e-5, -0.3, 0.1 + 0.2)] == ["0", "25", "0.001", "−30", "30"]
