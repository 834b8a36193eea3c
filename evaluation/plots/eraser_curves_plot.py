"""Plot what attackers read of an eraser against the subjects that either of them learned from."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, StrMethodFormatter

from evaluation.plots.parts import CHANCE, legend_above, line_key, panel_grid, percent_axis, require, split
from evaluation.plots.style import appearance, shown, styled

_PANELS = {
    "eraser_subjects": ("of_attackers", "Subjects the eraser learns from"),
    "attacker_subjects": ("of_eraser", "Training subjects the attackers learn from"),
}


@styled
def plot_eraser_curves(frame: pd.DataFrame, *, chance: float) -> Figure:
    """Draw two panels: the eraser learns from ever more subjects, then the attackers do.

    Args:
        frame: one row for each point, in [0, 1]: `setting`; `of_eraser` and `of_attackers`, the shares of the
            subjects of either; `eraser_subjects`, `attacker_subjects`, their numbers; `balanced_accuracy`;
            `sd`, its standard deviation over seeds, nan of one.
        chance: chance level.

    Raises:
        ValueError: no rows, or missing columns.
    """
    columns = ("setting", "of_eraser", "of_attackers", "balanced_accuracy", "sd", *_PANELS)
    require(frame, "eraser curves", columns)
    looks = appearance(frame["setting"])
    figure, panels = panel_grid(len(_PANELS), 2.4, sharey=True)
    for axes, (number, (whole, title)) in zip(panels, _PANELS.items(), strict=True):
        for name, curve in split(frame[frame[whole] == 1], "setting").items():
            curve = curve.sort_values(number)
            spread = curve["sd"].fillna(0)
            axes.errorbar(
                curve[number], curve["balanced_accuracy"], yerr=spread, marker="o", markersize=2.5,
                elinewidth=0.8, capsize=1.8, **looks[name],
            )  # fmt: skip
        axes.axhline(chance, **CHANCE)
        axes.set(xscale="log", xlabel=title, ylabel="Balanced accuracy (%)")
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.grid(axis="y")
        percent_axis(axes.yaxis)
    entries = [(shown(name), line_key(marker="o", **look)) for name, look in looks.items()]
    legend_above(figure, [*entries, ("chance", line_key(**CHANCE))])
    return figure
