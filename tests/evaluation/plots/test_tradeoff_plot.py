import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from evaluation.plots.tradeoff_plot import pareto_front, plot_tradeoff
from tests.support.figures import horizontal_lines, legend_names, vertical_lines, whiskers_of


@pytest.fixture
def frame():
    rows = [
        ("x", "x", 0.9, 0.99),
        ("SN 0.1", "SN", 0.8, 0.98),
        ("SN 1", "SN", 0.5, 0.95),
        ("LNTL", "LNTL", 0.85, 0.94),
        ("noise", "noise", 0.3, 0.55),
    ]
    table = pd.DataFrame(rows, columns=["representation", "method", "leakage", "auc"])
    return table.assign(low=table["leakage"] - 0.03, high=table["leakage"] + 0.02)


def test_pareto_front_against_its_definition():
    rng = np.random.default_rng(0)
    leakage, auc = rng.integers(0, 6, (2, 40)) / 5  # with ties
    expected = [
        not any(
            (l <= leakage[i] and a >= auc[i]) and (l < leakage[i] or a > auc[i])
            for l, a in zip(leakage, auc, strict=True)  # noqa: E741
        )
        for i in range(40)
    ]
    assert pareto_front(leakage, auc).tolist() == expected
    assert pareto_front(np.array([0.5, 0.5]), np.array([0.9, 0.9])).all()  # equals do not beat one another


def test_the_front_joins_the_points_that_none_beats(frame):
    (axes,) = plot_tradeoff(frame, chance=0.25).axes
    (front,) = [line for line in axes.lines if line.get_drawstyle() == "steps-pre"]
    np.testing.assert_allclose(front.get_xydata(), [[0.55, 0.3], [0.95, 0.5], [0.98, 0.8], [0.99, 0.9]])


def test_points_whiskers_and_lines_are_where_they_should_be(frame):
    figure = plot_tradeoff(frame, chance=0.25, control="x")
    (axes,) = figure.axes
    points = np.concatenate([line.get_xydata() for line in axes.lines if line.get_marker() in "osD^"])
    np.testing.assert_allclose(points, frame[["auc", "leakage"]])
    np.testing.assert_allclose(whiskers_of(axes, 1), frame[["low", "high"]])
    assert horizontal_lines(axes) == [0.25, 0.9]
    assert vertical_lines(axes) == [0.99]
    assert axes.get_xlabel() == "Verification AUC (%)"
    assert axes.get_ylabel() == "Leakage: balanced accuracy (%)"
    names = ["x", "SN", "LNTL", "noise", "Pareto front", "chance", "control (x)"]
    assert legend_names(figure) == names
    assert max(axes.get_xticks()) <= 1


def test_points_without_methods_need_no_legend_of_their_own(frame):
    figure = plot_tradeoff(frame[["representation", "leakage", "auc"]], chance=0.25)
    assert legend_names(figure) == ["Pareto front", "chance"]
    np.testing.assert_allclose(figure.axes[0].lines[0].get_xydata(), frame[["auc", "leakage"]])


def test_names_cover_neither_one_another_nor_a_point(frame):
    crowd = frame.assign(auc=[0.99, 0.989, 0.988, 0.9885, 0.95], leakage=[0.80, 0.81, 0.805, 0.79, 0.5])
    crowd = crowd.assign(low=crowd["leakage"] - 0.01, high=crowd["leakage"] + 0.01)
    figure = plot_tradeoff(crowd, chance=0.25)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    assert sorted(text.get_text() for text in axes.texts) == sorted(crowd["representation"])
    boxes = [Text.get_window_extent(text) for text in axes.texts]
    for one, other in itertools.combinations(boxes, 2):
        assert Bbox.intersection(one, other) is None
    for point in axes.transData.transform(crowd[["auc", "leakage"]].to_numpy()):
        assert not any(box.contains(*point) for box in boxes)
    for box in boxes:
        assert axes.bbox.containsx(box.x0)
        assert axes.bbox.containsx(box.x1)


def test_a_crowd_without_room_is_drawn_all_the_same():
    many = pd.DataFrame({"representation": [f"number {i}" for i in range(40)], "leakage": 0.8, "auc": 0.9})
    assert len(plot_tradeoff(many, chance=0.5).axes[0].texts) == 40


def test_a_row_without_an_auc_is_left_out(frame):
    frame.loc[3, "auc"] = np.nan
    assert "LNTL" not in [text.get_text() for text in plot_tradeoff(frame, chance=0.25).axes[0].texts]
    with pytest.raises(ValueError, match="has no rows"):
        plot_tradeoff(frame.assign(auc=np.nan), chance=0.25)


def test_a_control_has_to_be_there(frame):
    with pytest.raises(ValueError, match="'y' is in 0 rows"):
        plot_tradeoff(frame, chance=0.25, control="y")


def test_a_line_joins_the_points_of_a_method(frame):
    named = frame.assign(label=["x", "0.1", "1", "LNTL", "noise"])
    (axes,) = plot_tradeoff(named, chance=0.25).axes
    assert sorted(text.get_text() for text in axes.texts) == sorted(named["label"])
    joined = [line for line in axes.lines if line.get_marker() in "osD^" and line.get_linestyle() == "-"]
    assert [len(line.get_xdata()) for line in joined] == [1, 2, 1, 1]
    np.testing.assert_allclose(joined[1].get_xydata(), [[0.98, 0.8], [0.95, 0.5]])


def test_many_methods_differ_in_colour_or_marker():
    many = pd.DataFrame({"representation": [f"m{i}" for i in range(16)], "auc": np.linspace(0.8, 0.99, 16)})
    many = many.assign(leakage=0.7, method=many["representation"])
    figure = plot_tradeoff(many, chance=0.5)
    looks = [(line.get_color(), line.get_marker()) for line in figure.axes[0].lines][:16]
    assert len(set(looks)) == 16
    assert figure.get_size_inches()[0] > plot_tradeoff(many[:5], chance=0.5).get_size_inches()[0]
