"""Plot how the gap between two groups grows with the bias of the training sample."""

import pandas as pd
from matplotlib.figure import Figure

from evaluation.plots.group_bars import MEASURES, gap_label
from evaluation.plots.parts import (
    draw_intervals,
    legend_above,
    line_key,
    panel_grid,
    panels_in_a_row,
    percent_axis,
    require,
    split,
    whiskers,
)
from evaluation.plots.style import INK, appearance, shown, styled


@styled
def plot_bias_sweep(frame: pd.DataFrame, groups: tuple[str, str]) -> Figure:
    """Draw a panel for each measure: the signed gap with its 95 % interval at every bias; 0 is no gap.

    Args:
        frame: rows of `evaluation.fairness.bias_sweep.bias_sweep_gaps` with the column `representation`.
        groups: names of group 0 and group 1.

    Raises:
        ValueError: no rows, or missing columns.
    """
    require(frame, "dose-response", ("representation", "bias", "measure", "gap", "low", "high"))
    looks = appearance(frame["representation"])
    measures = split(frame, "measure")
    figure, panels = panel_grid(len(measures), 2.4, sharex=True, sharey=True)
    # shifted so that no whisker hides another, by little compared with the steps of the bias
    shift = {name: 0.003 * (i - (len(looks) - 1) / 2) for i, name in enumerate(looks)}
    for axes, (measure, rows) in zip(panels, measures.items(), strict=True):
        axes.axhline(0, color=INK, linewidth=0.8)
        for name, curve in split(rows, "representation").items():
            curve = curve.sort_values("bias")
            axes.errorbar(
                curve["bias"] + shift[name],
                curve["gap"],
                yerr=whiskers(curve["gap"], curve["low"], curve["high"]),
                marker="o",
                markersize=3,
                elinewidth=0.8,
                capsize=1.8,
                **looks[name],
            )
        axes.set(title=MEASURES.get(measure, shown(measure)), xlabel="Biased share of the sample (%)")
        axes.grid(axis="y")
        percent_axis(axes.xaxis)
        percent_axis(axes.yaxis)
    for axes in panels[:: panels_in_a_row(len(panels))]:
        axes.set_ylabel(gap_label(groups))
    legend_above(figure, [(shown(name), line_key(marker="o", **look)) for name, look in looks.items()])
    return figure


@styled
def plot_bias_slopes(frame: pd.DataFrame) -> Figure:
    """Draw a panel for each measure: the slope of the gap over the bias, with its 95 % interval.

    Args:
        frame: rows of `evaluation.fairness.bias_sweep.bias_sweep_slopes` with the column `representation`.

    Raises:
        ValueError: no rows, or missing columns.
    """
    require(frame, "slope", ("representation", "measure", "slope", "low", "high"))
    looks = appearance(frame["representation"])
    names, measures = list(looks), split(frame, "measure")
    figure, panels = panel_grid(len(measures), 0.8 + 0.24 * len(names), sharex=True, sharey=True)
    for axes, (measure, rows) in zip(panels, measures.items(), strict=True):
        place = rows["representation"].map(names.index)
        axes.axvline(0, color=INK, linewidth=0.8)
        draw_intervals(axes, place, 10 * rows["slope"], (10 * rows["low"], 10 * rows["high"]))
        for y, name, slope in zip(place, rows["representation"], 10 * rows["slope"], strict=True):
            axes.plot(slope, y, marker="o", color=looks[name]["color"])
            words = f"{round(slope, 1) + 0.0:.1f}".replace("-", "−")  # + 0.0 turns -0.0 into 0.0
            axes.annotate(words, (slope, y), (0, 3), textcoords="offset points", ha="center", fontsize=7)
        axes.set(title=MEASURES.get(measure, shown(measure)), xlabel="Points of gap for 10 points of bias")
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")
    panels[0].set_yticks(range(len(names)), [shown(name) for name in names])
    panels[0].set_ylim(len(names) - 0.5, -0.7)
    return figure
