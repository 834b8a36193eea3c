import numpy as np
import pandas as pd
import pytest

from evaluation.plots.bias_sweep_plot import plot_bias_slopes
from tests.support.figures import whiskers_of


@pytest.fixture
def frame():
    rows = [("x", "tpr", 0.52, 0.3, 0.7), ("phi", "tpr", -0.04, -0.1, 0.05), ("x", "auc", -0.001, -0.1, 0.2)]
    return pd.DataFrame(rows, columns=["representation", "measure", "slope", "low", "high"])


def test_slopes_are_points_of_gap_for_ten_of_bias(frame):
    figure = plot_bias_slopes(frame)
    tpr, auc = figure.axes
    points = np.concatenate([line.get_xydata() for line in tpr.lines if line.get_marker() == "o"])
    np.testing.assert_allclose(points, [[5.2, 0], [-0.4, 1]])
    np.testing.assert_allclose(whiskers_of(tpr, 0), [[3, 7], [-1, 0.5]])
    assert [text.get_text() for text in tpr.texts] == ["5.2", "−0.4"]
    assert [text.get_text() for text in auc.texts] == ["0.0"]
    assert [label.get_text() for label in tpr.get_yticklabels()] == ["x", "phi"]
    assert tpr.get_xlabel() == "Points of gap for 10 points of bias"
    assert 0 in [line.get_xdata()[0] for line in tpr.lines], "no growth is marked"


def test_a_frame_without_slopes_is_refused(frame):
    with pytest.raises(ValueError, match="has no rows"):
        plot_bias_slopes(frame[:0])
