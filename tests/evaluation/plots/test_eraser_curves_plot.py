import pandas as pd
import pytest

from evaluation.plots.eraser_curves_plot import plot_eraser_curves
from tests.support.figures import horizontal_lines, legend_names


@pytest.fixture
def frame():
    rows = [("raw", 1, 1, 40, 40, 0.9), ("leace", 1, 1, 40, 40, 0.7)]
    rows += [("leace", 0.5, 1, 20, 40, 0.8), ("leace", 1, 0.5, 40, 20, 0.6)]
    columns = ["setting", "of_eraser", "of_attackers", "eraser_subjects", "attacker_subjects"]
    columns += ["balanced_accuracy"]
    return pd.DataFrame(rows, columns=columns).assign(sd=0.01)


def lines_of(axes):
    lines = [line for line in axes.lines if line.get_marker() == "o"]
    return [(list(line.get_xdata()), list(line.get_ydata())) for line in lines]


def test_each_panel_varies_the_subjects_of_one_side(frame):
    figure = plot_eraser_curves(frame, chance=0.5)
    eraser, attackers = figure.axes
    assert lines_of(eraser) == [([40], [0.9]), ([20, 40], [0.8, 0.7])]
    assert lines_of(attackers) == [([40], [0.9]), ([20, 40], [0.6, 0.7])]
    assert eraser.get_xlabel() == "Subjects the eraser learns from"
    assert legend_names(figure) == ["raw", "leace", "chance"]
    assert horizontal_lines(eraser) == [0.5]


def test_one_seed_has_no_spread(frame):
    plot_eraser_curves(frame.assign(sd=float("nan")), chance=0.5)


def test_a_missing_column_is_named(frame):
    with pytest.raises(ValueError, match="no column sd"):
        plot_eraser_curves(frame.drop(columns="sd"), chance=0.5)
