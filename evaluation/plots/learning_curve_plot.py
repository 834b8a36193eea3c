"""Plot the leakage against the number of samples that the attackers learn from."""

from itertools import product

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, StrMethodFormatter

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
    whiskers,
)
from evaluation.plots.style import appearance, shown, styled


@styled
def plot_learning_curve(frame: pd.DataFrame) -> Figure:
    """Draw a panel for each attribute and attacker, a line for each representation, with 95 % intervals.

    Filled markers are measured, hollow ones extrapolated. The axis of the samples is logarithmic.

    Args:
        frame: rows of `learning_curve` with the columns `representation`, `attribute` and `chance`.

    Raises:
        ValueError: no rows, missing columns, or different chance levels.
    """
    columns = ("representation", "attribute", "attacker", "n_train", "balanced_accuracy", "low", "high")
    require(frame, "learning curve", (*columns, "kind", "chance"))
    looks = appearance(frame["representation"])
    attributes, attackers = split(frame, "attribute"), frame["attacker"].unique()
    figure, panels = panel_grid(len(attributes) * len(attackers), 2.4, sharex=True)
    for axes, (attribute, attacker) in zip(panels, product(attributes, attackers), strict=True):
        rows = attributes[attribute]
        chance = one_chance(rows)
        for name, curve in split(rows[rows["attacker"] == attacker], "representation").items():
            curve = curve.sort_values("n_train")
            axes.plot(curve["n_train"], curve["balanced_accuracy"], **looks[name])
            for kind, points in split(curve, "kind").items():
                axes.errorbar(
                    points["n_train"],
                    points["balanced_accuracy"],
                    yerr=whiskers(points["balanced_accuracy"], points["low"], points["high"]),
                    fmt="o",
                    color=looks[name]["color"],
                    markerfacecolor="white" if kind == "extrapolated" else looks[name]["color"],
                    elinewidth=0.8,
                    capsize=1.8,
                )
        axes.axhline(chance, **CHANCE)
        axes.set(title=f"{heading(attribute, chance)}: {shown(attacker)}", xscale="log", ylim=(None, 1.01))
        axes.set(xlabel="Training samples of the attacker", ylabel="Balanced accuracy (%)")
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.grid(axis="y")
        percent_axis(axes.yaxis)
    entries = [(shown(name), line_key(marker="o", **look)) for name, look in looks.items()]
    hollow = line_key(marker="o", color="black", markerfacecolor="white", linestyle="none")
    legend_above(figure, [*entries, ("extrapolated", hollow), ("chance", line_key(**CHANCE))])
    return figure
