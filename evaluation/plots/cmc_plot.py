"""Plot 1:N identification: the cumulative match characteristic."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from evaluation.plots.parts import legend_above, line_key, panel_grid, percent_axis, require, split
from evaluation.plots.style import appearance, shown, styled


@styled
def plot_cmc(frame: pd.DataFrame) -> Figure:
    """Draw the identification rate against the rank on a logarithmic axis, with 95 % intervals as bands.

    Args:
        frame: `representation`, `rank`, `rate`, `low`, `high` of all probes, as
            `evaluation.verification.closed_set.closed_rates` returns them; optional: `group`, a panel each.

    Raises:
        ValueError: no rows, or missing columns.
    """
    require(frame, "identification", ("representation", "rank", "rate", "low", "high"))
    looks = appearance(frame["representation"])
    panels_of = split(frame, "group") if "group" in frame else {"": frame}
    figure, panels = panel_grid(len(panels_of), 2.5, sharex=True, sharey=True)
    ranks = sorted(frame["rank"].unique())
    for axes, (group, rows) in zip(panels, panels_of.items(), strict=True):
        for name, curve in split(rows, "representation").items():
            band = {"color": looks[name]["color"], "alpha": 0.2, "linewidth": 0}
            axes.fill_between(curve["rank"], curve["low"], curve["high"], **band)
            axes.plot(curve["rank"], curve["rate"], marker="o", markersize=2.5, **looks[name])
        axes.set(title=shown(group) if len(panels_of) > 1 else "", xscale="log", xlabel="Rank")
        axes.set_xticks(ranks, [str(rank) for rank in ranks])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_ylim(top=1.01)
        axes.grid(axis="y")
        percent_axis(axes.yaxis)
    for axes in panels[::2]:
        axes.set_ylabel("Identification rate (%)")
    legend_above(figure, [(shown(name), line_key(marker="o", **look)) for name, look in looks.items()])
    return figure
