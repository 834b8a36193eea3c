import numpy as np
import pandas as pd
import pytest

from evaluation.plots.bias_sweep_plot import plot_bias_sweep
from evaluation.plots.group_bars import plot_group_bars, plot_signed_gaps
from tests.support.figures import horizontal_lines, legend_names, vertical_lines, whiskers_of

GROUPS = ("not $miling", "smiling")


@pytest.fixture
def rates():
    table = pd.DataFrame({"representation": ["x", "x", "phi", "phi"], "group": [*GROUPS, *GROUPS]})
    for i, rate in enumerate(("tpr", "fpr", "accuracy")):
        table[rate] = np.array([0.5, 0.8, 0.6, 0.7]) - i * 0.1
        table[f"{rate}_low"], table[f"{rate}_high"] = table[rate] - 0.04, table[rate] + 0.03
    return table


@pytest.fixture
def gaps():
    rows = [("x", "tpr", 0.2), ("x", "auc", -0.05), ("phi", "tpr", 0.05), ("phi", "auc", 0.01)]
    table = pd.DataFrame(rows, columns=["representation", "measure", "gap"])
    return table.assign(low=table["gap"] - 0.04, high=table["gap"] + 0.03)


def test_one_panel_a_rate_and_one_bar_a_group(rates):
    figure = plot_group_bars(rates)
    names = ["True positive rate (%)", "False positive rate (%)", "Accuracy (%)"]
    assert [axes.get_xlabel() for axes in figure.axes] == names
    for axes, rate in zip(figure.axes, ("tpr", "fpr", "accuracy"), strict=True):
        assert [bar.get_width() for bar in axes.patches] == list(rates[rate])
        np.testing.assert_allclose(whiskers_of(axes, 0), rates[[f"{rate}_low", f"{rate}_high"]])
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == list(GROUPS)
    middle = [bar.get_y() + bar.get_height() / 2 for bar in figure.axes[0].patches]
    assert np.round(middle).tolist() == [0, 1, 0, 1]
    assert legend_names(figure) == ["x", "phi"]


def test_a_rate_of_nothing_is_marked(rates):
    rates.loc[1, ["tpr", "tpr_low", "tpr_high"]] = np.nan
    first, second, *_ = plot_group_bars(rates).axes
    assert [text.get_text() for text in first.texts] == ["50.0", "undefined", "60.0", "70.0"]
    assert "undefined" not in [text.get_text() for text in second.texts]


def test_rates_need_their_intervals(rates):
    with pytest.raises(ValueError, match="no column fpr_high"):
        plot_group_bars(rates.drop(columns="fpr_high"))
    with pytest.raises(ValueError, match="none of the rates tpr"):
        plot_group_bars(rates[["representation", "group"]])


def test_signed_gaps_stand_around_a_line_at_zero(gaps):
    figure = plot_signed_gaps(gaps, GROUPS)
    (axes,) = figure.axes
    assert vertical_lines(axes) == [0]
    np.testing.assert_allclose(whiskers_of(axes, 0), gaps[["low", "high"]])
    dots = [line.get_xydata() for line in axes.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(np.concatenate(dots)[:, 0], gaps["gap"])
    assert np.round(np.concatenate(dots)[:, 1]).tolist() == [0, 1, 0, 1]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["True positive rate", "AUC"]
    assert axes.get_xlabel() == "Gap in points:\nsmiling minus not $miling"
    assert legend_names(figure) == ["x", "phi"]


def test_dose_response_has_a_panel_for_each_measure(gaps):
    doses = [gaps.assign(bias=bias, gap=gaps["gap"] * k) for bias, k in ((0.9, 2), (0.5, 0.0))]
    frame = pd.concat(doses, ignore_index=True)
    frame["low"], frame["high"] = frame["gap"] - 0.04, frame["gap"] + 0.03
    figure = plot_bias_sweep(frame, GROUPS)
    assert [axes.get_title() for axes in figure.axes] == ["True positive rate", "AUC"]
    for axes, expected in zip(figure.axes, ([[0, 0.4], [0, 0.1]], [[0, -0.1], [0, 0.02]]), strict=True):
        assert horizontal_lines(axes) == [0]
        lines = [line for line in axes.lines if line.get_marker() == "o"]
        np.testing.assert_allclose([line.get_xydata()[:, 1] for line in lines], expected, atol=1e-12)
        for line in lines:
            np.testing.assert_allclose(line.get_xydata()[:, 0], [0.5, 0.9], atol=0.005)
        np.testing.assert_allclose(
            whiskers_of(axes, 1), [[gap - 0.04, gap + 0.03] for gap in np.ravel(expected)], atol=1e-12
        )
        assert axes.get_xlabel() == "Biased share of the sample (%)"
    assert figure.axes[0].get_ylabel() == "Gap in points:\nsmiling minus not $miling"
    assert legend_names(figure) == ["x", "phi"]
