"""Plot group rates as bars."""

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from evaluation.plots.parts import whiskers
from evaluation.plots.style import COLOURS

PANELS = {
    "tpr": "True positive rate",
    "fpr": "False positive rate",
    "accuracy": "Accuracy",
    "selection_rate": "Selection rate",
}


def plot_group_rates(table: pd.DataFrame, title: str) -> Figure:
    """Draw a panel for each rate and a bar for each group, with 95 % intervals; groupings differ in colour.

    The figure does not use pyplot, so it can be drawn in any process and needs no closing.

    Args:
        table: rows of `evaluation.fairness.group_rates.group_table` with the further column `grouping`.
        title: title of the figure.
    """
    position = np.arange(len(table))
    order = {name: i for i, name in enumerate(table["grouping"].unique())}
    colours = [COLOURS[order[name] % len(COLOURS)] for name in table["grouping"]]
    labels = [f"{group}  (n = {n})" for group, n in zip(table["group"], table["n"], strict=True)]
    width = 10 + 0.07 * max(map(len, labels))
    figure = Figure(figsize=(width, 1.5 + 0.42 * len(table)), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(PANELS), sharey=True, squeeze=False)[0]
    for axes, (rate, heading) in zip(panels, PANELS.items(), strict=True):
        value = table[rate].to_numpy(float)
        low, high = table[f"{rate}_low"].to_numpy(float), table[f"{rate}_high"].to_numpy(float)
        axes.barh(position, value, color=colours, height=0.7)
        error = whiskers(value, low, high)
        axes.errorbar(value, position, xerr=error, fmt="none", ecolor="black", elinewidth=1, capsize=2.5)
        for y, (v, end) in enumerate(zip(value, high, strict=True)):
            text, x = ("undefined", 0.0) if np.isnan(v) else (f"{v:.3f}", end)
            axes.annotate(text, (x, y), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8)
        axes.set(title=heading, xlim=(0, 1.25), xticks=np.linspace(0, 1, 5))
        axes.tick_params(axis="x", labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks(position, labels)
    panels[0].invert_yaxis()
    figure.suptitle(title)
    return figure
