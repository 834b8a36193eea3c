"""Plot the leakage by each attacker."""

from collections.abc import Iterable
from typing import Any

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from evaluation.plots.parts import (
    CHANCE,
    draw_intervals,
    heading,
    legend_above,
    line_key,
    one_chance,
    panel_grid,
    percent_axis,
    require,
    split,
)
from evaluation.plots.style import INK, Look, appearance, shown, styled

_COLUMNS = (
    "representation",
    "attribute",
    "attacker",
    "scaling",
    "balanced_accuracy",
    "low",
    "high",
    "chance",
)
_MARKERS = {"standardised": "o", "raw": "D", "robust": "^", "unit": "v"}
_SCALING: Look = {"color": "white", "markeredgecolor": INK, "markersize": 3.2, "linestyle": "none"}


@styled
def plot_leakage(frame: pd.DataFrame) -> Figure:
    """Draw a panel for each attribute, a bar for each attacker and representation, with 95 % intervals.

    A bar is the best of an attacker's scalings and sources of training subjects; with several scalings,
    markers show the best of each. The strongest attacker of each representation has a black edge and a bold
    number.

    Args:
        frame: rows of `cross_fitted_leakage` with the columns `representation` and `attribute`.

    Raises:
        ValueError: no rows, missing columns, or different chance levels.
    """
    require(frame, "leakage", _COLUMNS)
    colours = {name: look["color"] for name, look in appearance(frame["representation"]).items()}
    attackers = list(frame["attacker"].unique())
    attributes = split(frame, "attribute")
    height = 0.95 + len(attackers) * (0.1 + 0.145 * len(colours))
    figure, panels = panel_grid(len(attributes), height, sharex=True, sharey=True)
    for axes, (attribute, rows) in zip(panels, attributes.items(), strict=True):
        _draw(axes, rows, attackers, colours)
        axes.set_title(heading(attribute, one_chance(rows)))
        axes.set_xlabel("Balanced accuracy (%)")
    panels[0].set_yticks(range(len(attackers)), [shown(name) for name in attackers])
    panels[0].set_ylim(len(attackers) - 0.5, -0.5)
    entries: list[tuple[str, Artist]] = [(shown(name), Patch(color=c)) for name, c in colours.items()]
    entries.append(("strongest attacker", Patch(facecolor="none", edgecolor=INK)))
    entries.append(("chance", line_key(**CHANCE)))
    if frame["scaling"].nunique() > 1:
        kinds = frame["scaling"].unique()
        entries += [(shown(kind), line_key(marker=_MARKERS.get(kind, "s"), **_SCALING)) for kind in kinds]
    legend_above(figure, entries)
    return figure


def _draw(axes: Axes, rows: pd.DataFrame, attackers: list[str], colours: dict[str, str]) -> None:
    """Draw the bars of one attribute."""
    thick = 0.84 / len(colours)
    place = {name: i for i, name in enumerate(attackers)}
    shift = {name: (i - (len(colours) - 1) / 2) * thick for i, name in enumerate(colours)}
    height = rows["attacker"].map(place) + rows["representation"].map(shift)
    bars = _best(rows, ["representation", "attacker"])
    value = bars["balanced_accuracy"]
    axes.barh(height[bars.index], value, 0.9 * thick, color=[colours[n] for n in bars["representation"]])
    draw_intervals(axes, height[bars.index], value, (bars["low"], bars["high"]))
    strongest = set(_best(bars, ["representation"]).index)
    drawn: Iterable[Any] = bars.itertuples()
    for patch, row in zip(axes.patches, drawn, strict=True):
        bold = row.Index in strongest
        if bold:
            patch.set(edgecolor="black", linewidth=1)
        axes.annotate(
            f"{100 * row.balanced_accuracy:.1f}",
            (max(row.balanced_accuracy, row.high), height[row.Index]),
            xytext=(3, -0.5),
            textcoords="offset points",
            va="center",
            fontsize=7,
            fontweight="bold" if bold else "normal",
        )
    kinds = split(rows, "scaling")
    for kind, some in kinds.items() if len(kinds) > 1 else ():
        best = _best(some, ["representation", "attacker"])
        marker = _MARKERS.get(kind, "s")
        axes.plot(best["balanced_accuracy"], height[best.index], marker=marker, **_SCALING)
    axes.axvline(one_chance(rows), **CHANCE)
    axes.set(xlim=(0, 1.16), xticks=[0, 0.2, 0.4, 0.6, 0.8, 1])
    axes.tick_params(axis="y", length=0)
    percent_axis(axes.xaxis)


def _best(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Select the row of the highest balanced accuracy in each group, in order of appearance."""
    return rows.loc[rows.groupby(by, sort=False)["balanced_accuracy"].idxmax()]
