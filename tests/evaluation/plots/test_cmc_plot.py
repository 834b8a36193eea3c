import numpy as np
import pandas as pd
import pytest

from evaluation.plots.cmc_plot import plot_cmc
from tests.support.figures import legend_names

CURVE = pd.DataFrame({"rank": [1, 5, 10], "rate": [0.5, 0.8, 0.9]})
FRAME = pd.concat([CURVE.assign(representation="x"), CURVE.assign(representation="phi", rate=0.4)])
FRAME = FRAME.assign(low=FRAME["rate"] - 0.1, high=FRAME["rate"] + 0.05)


def test_curves_and_bands_are_those_of_the_frame():
    figure = plot_cmc(FRAME)
    (axes,) = figure.axes
    np.testing.assert_allclose(axes.lines[0].get_xydata(), [[1, 0.5], [5, 0.8], [10, 0.9]])
    assert axes.get_xscale() == "log"
    assert [text.get_text() for text in axes.get_xticklabels()] == ["1", "5", "10"]
    band = axes.collections[0].get_paths()[0].vertices
    assert {(1.0, 0.4), (10.0, 0.95)} <= {(x, round(y, 9)) for x, y in band}
    assert legend_names(figure) == ["x", "phi"]
    assert axes.get_title() == ""


def test_groups_have_a_panel_each():
    figure = plot_cmc(pd.concat([FRAME.assign(group="women"), FRAME.assign(group="men")]))
    assert [axes.get_title() for axes in figure.axes] == ["women", "men"]


def test_a_rank_without_interval_is_drawn():
    plot_cmc(FRAME.assign(low=np.nan, high=np.nan)).draw_without_rendering()


def test_an_empty_or_incomplete_frame_is_refused():
    with pytest.raises(ValueError, match="no rows"):
        plot_cmc(FRAME[:0])
    with pytest.raises(ValueError, match="no column low"):
        plot_cmc(FRAME.drop(columns="low"))
