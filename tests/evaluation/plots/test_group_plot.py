import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from evaluation.fairness.group_rates import group_table
from evaluation.plots.group_plot import PANELS, plot_group_rates

COUNTS = np.array([[[3, 1], [1, 3]], [[0, 0], [0, 0]]])


@pytest.fixture
def table():
    groups = group_table(COUNTS, ["smiling: no", "smiling: yes"], 1).assign(grouping="smiling")
    overall = group_table(COUNTS.sum(0, keepdims=True), ["all samples"], 1).assign(grouping="all")
    return pd.concat([overall, groups], ignore_index=True)


def test_bars_have_the_rates_as_length_and_the_classes_as_labels(table):
    figure = plot_group_rates(table, "attractive: yes")
    assert figure.get_suptitle() == "attractive: yes"
    assert len(figure.axes) == len(PANELS)
    for axes, rate in zip(figure.axes, PANELS, strict=True):
        np.testing.assert_array_equal([bar.get_width() for bar in axes.patches], table[rate])
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["all samples  (n = 8)", "smiling: no  (n = 8)", "smiling: yes  (n = 0)"]


def test_error_bars_span_the_interval(table):
    axes = plot_group_rates(table, "").axes[0]
    (low, _), (high, _) = axes.collections[0].get_segments()[1]
    assert (low, high) == pytest.approx(tuple(table.loc[1, ["tpr_low", "tpr_high"]]))


def test_an_empty_group_is_marked_undefined(table):
    texts = [text.get_text() for text in plot_group_rates(table, "").axes[0].texts]
    assert texts == ["0.750", "0.750", "undefined"]


def test_saves_without_pyplot(table, tmp_path):
    plot_group_rates(table, "").savefig(tmp_path / "rates.png")
    assert (tmp_path / "rates.png").stat().st_size > 5000
    assert plt.get_fignums() == []
