import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba

from evaluation.plots.attribute_map_plot import plot_attribute_map


@pytest.fixture
def frame():
    rows = [
        ("x", "emotion", 1.0, 0.25),
        ("x", "male", 0.75, 0.5),
        ("phi", "emotion", 0.2, 0.25),
        ("phi", "young", 0.5, 0.5),
    ]
    return pd.DataFrame(rows, columns=["representation", "attribute", "balanced_accuracy", "chance"])


def cells(axes):
    return {text.get_position(): text for text in axes.texts}


def test_numbers_stand_in_their_cells_and_chance_before_them(frame):
    axes = plot_attribute_map(frame).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["chance", "x", "phi"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["emotion", "male", "young"]
    assert {place: text.get_text() for place, text in cells(axes).items()} == {
        (-1, 0): "25.0",
        (-1, 1): "50.0",
        (-1, 2): "50.0",
        (0, 0): "100.0",
        (0, 1): "75.0",
        (1, 0): "20.0",
        (1, 2): "50.0",
    }


def test_colour_is_the_way_from_chance_to_perfect(frame):
    axes, bar = plot_attribute_map(frame).axes
    np.testing.assert_allclose(
        axes.images[0].get_array().filled(np.nan), [[1, 0], [0.5, np.nan], [np.nan, 0]]
    )
    assert axes.images[0].get_clim() == (0, 1)
    assert bar.get_ylabel() == "From chance to perfect (%)"


def test_figures_can_be_read_on_dark_cells(frame):
    text = cells(plot_attribute_map(frame).axes[0])
    assert to_rgba(text[0, 0].get_color()) == to_rgba("white")
    assert max(to_rgba(text[1, 0].get_color())[:3]) < 0.2


def test_long_names_do_not_run_into_one_another(frame):
    figure = plot_attribute_map(
        frame.replace({"x": "a representation with a long name", "phi": "another long name"})
    )
    figure.draw_without_rendering()
    labels = figure.axes[0].get_xticklabels()
    assert {label.get_rotation() for label in labels} == {35}
    assert all(label.get_window_extent().y1 <= figure.bbox.height for label in labels)
    assert all(label.get_window_extent().x1 <= figure.bbox.width for label in labels)


def test_refuses_a_cell_twice(frame):
    with pytest.raises(ValueError, match="more than one row"):
        plot_attribute_map(pd.concat([frame, frame.iloc[:1]]))
