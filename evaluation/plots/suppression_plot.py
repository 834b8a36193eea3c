"""Plot the leakage after features were removed."""

import pandas as pd
from matplotlib.figure import Figure

from evaluation.plots.parts import (
    CHANCE,
    heading,
    legend_above,
    line_key,
    one_chance,
    panel_grid,
    percent_axis,
    require,
    split,
)
from evaluation.plots.style import appearance, shown, styled


@styled
def plot_suppression(frame: pd.DataFrame) -> Figure:
    """Draw a panel for each attribute, as figure 4.2 of the thesis: mean and range (band) of the draws.

    Args:
        frame: rows of `suppression` with the columns `representation`, `attribute` in front.

    Raises:
        ValueError: no rows, missing columns, or different chance levels.
    """
    columns = ("representation", "attribute", "share_removed", "draw", "balanced_accuracy", "chance")
    require(frame, "suppression", columns)
    looks = appearance(frame["representation"])
    attributes = split(frame, "attribute")
    figure, panels = panel_grid(len(attributes), 2.5, sharex=True)
    for axes, (attribute, rows) in zip(panels, attributes.items(), strict=True):
        chance = one_chance(rows)
        for name, curve in split(rows, "representation").items():
            draws = curve.groupby("share_removed")["balanced_accuracy"]
            mean = draws.mean()
            axes.fill_between(
                mean.index, draws.min(), draws.max(), color=looks[name]["color"], alpha=0.2, linewidth=0
            )
            axes.plot(mean.index, mean, marker="o", markersize=2.5, **looks[name])
        axes.axhline(chance, **CHANCE)
        bottom = min(chance, rows["balanced_accuracy"].min())
        axes.set(title=heading(attribute, chance), xlim=(-0.02, 1), ylim=(max(0, bottom - 0.05), 1.01))
        axes.set(xlabel="Features removed (%)", ylabel="Balanced accuracy (%)")
        axes.grid(axis="y")
        percent_axis(axes.xaxis)
        percent_axis(axes.yaxis)
    entries = [(shown(name), line_key(marker="o", **look)) for name, look in looks.items()]
    legend_above(figure, [*entries, ("chance", line_key(**CHANCE))])
    return figure
