"""Plot the rates of groups, and the signed gaps between them."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from evaluation.plots.group_plot import PANELS
from evaluation.plots.parts import (
    draw_intervals,
    legend_above,
    line_key,
    panel_grid,
    percent_axis,
    require,
    split,
)
from evaluation.plots.style import INK, appearance, shown, styled

MEASURES = {**PANELS, "auc": "AUC"}


@styled
def plot_group_bars(frame: pd.DataFrame) -> Figure:
    """Draw a panel for each rate, a bar for each group and representation; nan is marked "undefined".

    Args:
        frame: `representation`, `group`, and for any of the rates in `group_plot.PANELS`, `<rate>`,
            `<rate>_low`, `<rate>_high`, as `evaluation.fairness.signed_gaps.pooled_rates` returns them.

    Raises:
        ValueError: no rows, no rate, or missing columns.
    """
    require(frame, "group", ("representation", "group"))
    rates = [rate for rate in PANELS if rate in frame]
    if not rates:
        raise ValueError(f"the group table has none of the rates {', '.join(PANELS)}; it has {list(frame)}")
    require(frame, "group", [f"{rate}_{end}" for rate in rates for end in ("low", "high")])
    colours = {name: look["color"] for name, look in appearance(frame["representation"]).items()}
    groups = list(frame["group"].unique())
    height = 0.8 + len(groups) * (0.1 + 0.15 * len(colours))
    figure, panels = panel_grid(len(rates), height, sharex=True, sharey=True)
    thick = 0.84 / len(colours)
    for axes, rate in zip(panels, rates, strict=True):
        for i, (name, rows) in enumerate(split(frame, "representation").items()):
            place = rows["group"].map(groups.index) + (i - (len(colours) - 1) / 2) * thick
            value, high = rows[rate], rows[f"{rate}_high"]
            axes.barh(place, value, 0.9 * thick, color=colours[name])
            draw_intervals(axes, place, value, (rows[f"{rate}_low"], high))
            for y, v, end in zip(place, value, high, strict=True):
                text, x = ("undefined", 0.0) if pd.isna(v) else (f"{100 * v:.1f}", max(v, end))
                axes.annotate(
                    text, (x, y), xytext=(3, -0.5), textcoords="offset points", va="center", fontsize=7
                )
        axes.set(xlim=(0, 1.18), xticks=[0, 0.2, 0.4, 0.6, 0.8, 1], xlabel=f"{MEASURES[rate]} (%)")
        axes.tick_params(axis="y", length=0)
        percent_axis(axes.xaxis)
    panels[0].set_yticks(range(len(groups)), [shown(name) for name in groups])
    panels[0].set_ylim(len(groups) - 0.5, -0.5)
    legend_above(figure, [(shown(name), Patch(color=colour)) for name, colour in colours.items()])
    return figure


@styled
def plot_signed_gaps(frame: pd.DataFrame, groups: tuple[str, str]) -> Figure:
    """Draw the gaps between two groups with 95 % intervals; one that includes 0 may be no gap.

    Args:
        frame: rows of `evaluation.fairness.signed_gaps.signed_gaps` with the column `representation`.
        groups: names of group 0 and group 1.

    Raises:
        ValueError: no rows, or missing columns.
    """
    require(frame, "gap", ("representation", "measure", "gap", "low", "high"))
    looks = appearance(frame["representation"])
    measures = list(frame["measure"].unique())
    step = 0.8 / len(looks)
    figure, (axes,) = panel_grid(1, 0.8 + len(measures) * (0.12 + 0.15 * len(looks)))
    axes.axvline(0, color=INK, linewidth=0.8)
    for i, (name, rows) in enumerate(split(frame, "representation").items()):
        place = rows["measure"].map(measures.index) + (i - (len(looks) - 1) / 2) * step
        draw_intervals(axes, place, rows["gap"], (rows["low"], rows["high"]))
        axes.plot(rows["gap"], place, marker="o", linestyle="none", color=looks[name]["color"])
    axes.set_yticks(range(len(measures)), [MEASURES.get(name, shown(name)) for name in measures])
    axes.set_ylim(len(measures) - 0.5, -0.5)
    axes.set_xlabel(gap_label(groups))
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    percent_axis(axes.xaxis)
    entries = [
        (shown(name), line_key(marker="o", linestyle="none", color=look["color"]))
        for name, look in looks.items()
    ]
    legend_above(figure, entries)
    return figure


def gap_label(groups: tuple[str, str]) -> str:
    """Make the label of an axis of gaps: the group that is ahead where they are positive."""
    first, second = (shown(name, most=18) for name in groups)
    return f"Gap in points:\n{second} minus {first}"
