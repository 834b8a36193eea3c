import numpy as np
import pandas as pd
import pytest

from evaluation.plots.comparison_plot import plot_comparison
from tests.support.figures import legend_names

NAMES = ["A1", "A2", "B", "C"]


@pytest.fixture
def frame():
    pairs = [("A1", "A2", 0.61), ("A1", "B", 0.33), ("A1", "C", 0.36), ("A2", "B", 0.38), ("A2", "C", 0.24),
             ("B", "C", -0.21)]  # fmt: skip
    table = pd.DataFrame(pairs, columns=["first", "second", "cosine"])
    return table.assign(same=table["second"] == "A2", representation="x")


def test_every_pair_has_its_cosine_in_its_cell(frame):
    figure = plot_comparison(frame)
    (axes,) = figure.axes
    down = [label.get_text() for label in axes.get_yticklabels()]
    across = [label.get_text() for label in axes.get_xticklabels()]
    assert (down, across) == (NAMES[1:], NAMES[:-1])
    cells = {
        (NAMES[int(t.get_position()[0])], NAMES[int(t.get_position()[1])]): t.get_text() for t in axes.texts
    }
    expected = {("A1", "A2"): "0.61", ("A1", "B"): "0.33", ("A1", "C"): "0.36", ("A2", "B"): "0.38",
                ("A2", "C"): "0.24", ("B", "C"): "−0.21"}  # fmt: skip
    assert cells == expected
    np.testing.assert_allclose(axes.images[0].get_array()[1:, :-1].compressed(),
                               [0.61, 0.33, 0.38, 0.36, 0.24, -0.21])  # fmt: skip


def test_the_pair_of_one_person_alone_has_a_frame(frame):
    figure = plot_comparison(frame)
    (cell,) = figure.axes[0].patches
    assert cell.get_xy() == (-0.5, 0.5)
    assert legend_names(figure) == ["one subject"]


def test_each_representation_has_a_panel(frame):
    figure = plot_comparison(pd.concat([frame, frame.assign(representation="phi")]))
    assert [axes.get_title() for axes in figure.axes] == ["x", "phi"]
    with pytest.raises(ValueError, match="has no column same"):
        plot_comparison(frame.drop(columns="same"))
