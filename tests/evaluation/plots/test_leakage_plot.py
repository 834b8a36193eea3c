import numpy as np
import pandas as pd

from evaluation.plots.leakage_plot import plot_leakage
from tests.support.figures import legend_names, vertical_lines, whiskers_of


def test_a_bar_for_every_attacker_and_representation(leakage_frame):
    figure = plot_leakage(leakage_frame)
    assert [axes.get_title() for axes in figure.axes] == ["emotion (chance 25.0 %)", "male (chance 50.0 %)"]
    for axes, attribute in zip(figure.axes, ("emotion", "male"), strict=True):
        rows = leakage_frame[leakage_frame["attribute"] == attribute].query("scaling == 'standardised'")
        assert [bar.get_width() for bar in axes.patches] == list(rows["balanced_accuracy"])
        np.testing.assert_allclose(whiskers_of(axes, 0), rows[["low", "high"]])
        assert axes.get_xlabel() == "Balanced accuracy (%)"


def test_bars_stand_at_their_attacker_in_their_colour(leakage_frame):
    figure = plot_leakage(leakage_frame)
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["linear", "mlp"]
    middle = [bar.get_y() + bar.get_height() / 2 for bar in axes.patches]
    assert np.round(middle).tolist() == [0, 1, 0, 1]
    assert middle[0] < middle[2] < middle[1] < middle[3]  # x above phi; no bar over another
    x, x2, phi, phi2 = (bar.get_facecolor() for bar in axes.patches)
    assert x == x2 != phi == phi2
    assert legend_names(figure) == ["x", "phi", "strongest attacker", "chance", "standardised", "raw"]
    handles = figure.legends[0].get_patches()
    assert [handle.get_facecolor() for handle in handles[:2]] == [x, phi]


def test_chance_is_a_line_in_every_panel(leakage_frame):
    assert [vertical_lines(axes) for axes in plot_leakage(leakage_frame).axes] == [[0.25], [0.5]]


def test_the_strongest_attacker_of_each_representation_is_marked(leakage_frame):
    axes = plot_leakage(leakage_frame).axes[0]
    edged = [bar.get_width() for bar in axes.patches if bar.get_edgecolor() == (0, 0, 0, 1)]
    bold = [text.get_text() for text in axes.texts if text.get_fontweight() == "bold"]
    assert edged == [0.9, 0.5]
    assert bold == ["90.0", "50.0"]
    assert len(axes.texts) == 4


def test_a_bar_is_the_best_scaling_and_markers_show_each(leakage_frame):
    leakage_frame.loc[leakage_frame["scaling"] == "raw", "balanced_accuracy"] = 0.99
    axes = plot_leakage(leakage_frame).axes[0]
    marked = {line.get_marker(): line for line in axes.lines if line.get_marker() in "oD"}
    middle = [bar.get_y() + bar.get_height() / 2 for bar in axes.patches]
    for marker, values in (("D", [0.99] * 4), ("o", [0.8, 0.9, 0.5, 0.4])):
        assert marked[marker].get_xdata().tolist() == values
        np.testing.assert_allclose(marked[marker].get_ydata(), middle)
    assert [text.get_text() for text in axes.texts] == ["99.0"] * 4


def test_a_bar_is_the_best_source_of_training_subjects(leakage_frame):
    more = leakage_frame.assign(balanced_accuracy=leakage_frame["balanced_accuracy"] - 0.05)
    both = pd.concat([more, leakage_frame], ignore_index=True)
    axes, alone = (plot_leakage(frame).axes[0] for frame in (both, leakage_frame))
    assert [x.get_width() for x in axes.patches] == [x.get_width() for x in alone.patches]
    assert len(axes.lines[0].get_xdata()) == len(alone.lines[0].get_xdata())


def test_the_legend_names_scalings_where_there_are_several(leakage_frame):
    figure = plot_leakage(leakage_frame[leakage_frame["scaling"] == "raw"])
    assert legend_names(figure) == ["x", "phi", "strongest attacker", "chance"]
