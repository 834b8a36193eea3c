"""Plot the power of the permutation test."""

import pandas as pd
from matplotlib.figure import Figure

from evaluation.plots.parts import CHANCE, legend_above, line_key, panel_grid, percent_axis, require, split
from evaluation.plots.style import appearance, shown, styled


@styled
def plot_power(frame: pd.DataFrame, power: float = 0.8) -> Figure:
    """Draw a panel for each attribute: how often the test finds a planted leak, by its size.

    Args:
        frame: rows of `power_curve` with the columns `representation` and `attribute`.
        power: wanted probability of finding a leak, drawn as a line.

    Raises:
        ValueError: no rows, or missing columns.
    """
    require(frame, "power", ("representation", "attribute", "accuracy", "detected"))
    looks = appearance(frame["representation"])
    attributes = split(frame, "attribute")
    figure, panels = panel_grid(len(attributes), 2.4, sharey=True)
    for axes, (attribute, rows) in zip(panels, attributes.items(), strict=True):
        for name, curve in split(rows, "representation").items():
            curve = curve.sort_values("accuracy")
            axes.plot(curve["accuracy"], curve["detected"], marker="o", markersize=2.5, **looks[name])
        axes.axhline(power, **CHANCE)
        axes.set(title=shown(attribute), ylim=(-0.02, 1.02))
        axes.set(xlabel="Planted leak: balanced accuracy (%)", ylabel="Found (% of draws)")
        axes.grid(axis="y")
        percent_axis(axes.xaxis)
        percent_axis(axes.yaxis)
    entries = [(shown(name), line_key(marker="o", **look)) for name, look in looks.items()]
    legend_above(figure, [*entries, (f"{100 * power:g} %", line_key(**CHANCE))])
    return figure
