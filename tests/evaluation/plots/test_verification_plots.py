import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from evaluation.plots.verification_plots import (
    equal_error,
    plot_det,
    plot_error_rates,
    plot_roc,
    plot_score_histogram,
)
from tests.support.figures import legend_names


def test_roc_has_a_logarithmic_axis_and_the_best_of_each_fmr(rates_frame):
    figure = plot_roc(rates_frame)
    (axes,) = figure.axes
    assert axes.get_xscale() == "log"
    assert axes.get_xlim() == (0.001, 1)
    x, phi, chance = (line.get_xydata() for line in axes.lines)
    np.testing.assert_allclose(x, [[0.001, 0.8], [0.3, 0.9], [1, 1]])
    np.testing.assert_allclose(phi, [[0.001, 0.1], [0.01, 0.4], [0.8, 0.8], [1, 1]])
    np.testing.assert_allclose(chance[:, 0], chance[:, 1])
    assert axes.get_xlabel() == "False match rate, FMR (%)"
    assert axes.get_ylabel() == "True accept rate, TAR (%)"
    assert legend_names(figure) == ["x", "phi", "chance"]


@pytest.mark.parametrize(("fmr", "start"), [([1.0, 0.0], 0.1), ([1.0, 1e-9], 1e-6), ([1.0, 3e-4], 1e-4)])
def test_roc_starts_at_a_power_of_ten(fmr, start):
    frame = pd.DataFrame({"representation": "x", "threshold": [0.0, 1.0], "fmr": fmr, "fnmr": [0.0, 0.5]})
    assert plot_roc(frame).axes[0].get_xlim()[0] == pytest.approx(start, rel=1e-12)


def test_det_is_a_straight_line_for_normal_scores():
    threshold = np.linspace(-1, 3, 50)
    frame = pd.DataFrame(
        {"threshold": threshold, "fmr": norm.sf(threshold), "fnmr": norm.cdf(threshold, 2, 1)}
    ).assign(representation="x")
    figure = plot_det(frame)
    (axes,) = figure.axes
    x, y = axes.lines[0].get_data()
    np.testing.assert_allclose(x + y, -2, atol=1e-9)
    assert legend_names(figure) == ["x", "equal errors"]
    np.testing.assert_array_equal(*axes.lines[1].get_data())
    form = axes.xaxis.get_major_formatter()
    assert [form(norm.ppf(rate), 0) for rate in (1e-4, 0.01, 0.2)] == ["0.01", "1", "20"]


def test_error_rates_cross_at_the_marked_eer(rates_frame):
    figure = plot_error_rates(rates_frame)
    axes = figure.axes[0]
    fmr, fnmr, dot = axes.lines
    curve = rates_frame[rates_frame["representation"] == "x"]
    np.testing.assert_allclose(fmr.get_xydata(), curve[["threshold", "fmr"]])
    np.testing.assert_allclose(fnmr.get_xydata(), curve[["threshold", "fnmr"]])
    np.testing.assert_allclose(dot.get_xydata(), [[0.3, 0.15]])
    assert [panel.get_title() for panel in figure.axes] == ["x\n(EER 15.0 %)", "phi\n(EER 40.2 %)"]
    assert legend_names(figure) == ["false match (FMR, FAR)", "false non-match (FNMR, FRR)"]


def test_the_eer_is_that_of_the_straight_lines_on_both_sides():
    curve = pd.DataFrame({"threshold": [0.0, 1.0], "fmr": [0.9, 0.1], "fnmr": [0.0, 0.4]})
    # 0.9 - 0.8 t = 0.4 t
    assert equal_error(curve) == pytest.approx((0.75, 0.3))
    assert equal_error(curve.assign(fnmr=[0.9, 0.9])) == (0.0, 0.9)


def test_perfect_separation_has_an_eer_of_zero():
    curve = pd.DataFrame({"threshold": [0.0, 1.0, 2.0], "fmr": [0.5, 0, 0], "fnmr": [0, 0, 0.5]})
    assert equal_error(curve) == (1.0, 0.0)


def test_one_score_for_all_pairs_has_no_dot():
    frame = pd.DataFrame(
        {"representation": "x", "threshold": [1.0, 1.0], "fmr": [1.0, 1.0], "fnmr": [0.0, 0.0]}
    )
    (axes,) = plot_error_rates(frame).axes
    assert axes.get_title() == "x"
    assert len(axes.lines) == 2
    for plot in (plot_roc, plot_det):
        plot(frame).draw_without_rendering()


def test_thresholds_beyond_all_scores_are_left_out_of_the_axis(rates_frame):
    beyond = pd.DataFrame({"representation": ["x"], "threshold": [np.inf], "fmr": [0.0], "fnmr": [1.0]})
    axes = plot_error_rates(pd.concat([rates_frame, beyond])).axes[0]
    assert len(axes.lines[0].get_xdata()) == 4


def test_histogram_bins_have_their_widths_and_heights():
    frame = pd.DataFrame(
        {"score": [-0.5, 0.25], "width": [1.0, 0.5], "genuine": [0.0, 2.0], "impostor": [0.8, 0.4]}
    ).assign(representation="x")
    figure = plot_score_histogram(pd.concat([frame, frame.assign(representation="phi")]))
    assert [axes.get_title() for axes in figure.axes] == ["x", "phi"]
    filled = [patch.get_data() for patch in figure.axes[0].patches if patch.get_fill()]
    assert [data.values.tolist() for data in filled] == [[0.0, 2.0], [0.8, 0.4]]
    assert [data.edges.tolist() for data in filled] == [[-1.0, 0.0, 0.5]] * 2
    assert legend_names(figure) == ["genuine pairs", "impostor pairs"]


def test_the_threshold_of_equal_errors_stands_beside_the_dot(rates_frame):
    (text,) = plot_error_rates(rates_frame[rates_frame["representation"] == "x"]).axes[0].texts
    assert text.get_text() == "0.30"
    assert text.xy == pytest.approx((0.3, 0.15))


def test_a_roc_curve_may_be_called_with_its_area(rates_frame):
    frame = rates_frame.assign(auc=rates_frame["representation"].map({"x": 0.99456, "phi": 0.5}))
    assert legend_names(plot_roc(frame)) == ["x (AUC 0.9946)", "phi (AUC 0.5000)", "chance"]
