"""Plot the leakage of every attribute from every representation."""

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from evaluation.plots.parts import percent_axis, require
from evaluation.plots.style import INK, SOFT, shown, styled

_CELL = 0.72  # inches: the width of a cell
_FITS = 10  # characters above a cell


@styled
def plot_attribute_map(frame: pd.DataFrame) -> Figure:
    """Draw a heat map: attributes down, representations across, balanced accuracy in percent in every cell.

    The colour runs from chance (white) to perfect (dark), which is comparable between attributes of any
    number of classes; the first column lists their chance levels. Cells that were not measured stay empty.

    Args:
        frame: columns `representation`, `attribute`, `balanced_accuracy`, `chance`, one row for each cell.

    Raises:
        ValueError: no rows, missing columns, or a cell twice.
    """
    require(frame, "attribute map", ("representation", "attribute", "balanced_accuracy", "chance"))
    if frame.duplicated(["attribute", "representation"]).any():
        raise ValueError("the attribute map has more than one row for an attribute of a representation")
    names, attributes = frame["representation"].unique(), frame["attribute"].unique()
    cells = frame.pivot(index="attribute", columns="representation", values="balanced_accuracy")
    value = cells.loc[attributes, names].to_numpy(float)
    chance = frame.groupby("attribute", sort=False)["chance"].first().to_numpy(float)[:, None]
    readable = np.clip((value - chance) / (1 - chance), 0, 1)

    labels = [shown(name) for name in names]
    slanted = any(len(label) > _FITS for label in labels)
    height = (1.4 if slanted else 0.6) + max(0.2 * len(attributes), 1.4)
    figure = Figure((2.6 + _CELL * len(names), height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    image = axes.imshow(readable, cmap=colormaps["Blues"], vmin=0, vmax=1, aspect="auto")
    for (row, column), share in np.ndenumerate(value):
        if not np.isnan(share):
            colour = "white" if readable[row, column] > 0.6 else INK
            axes.text(column, row, f"{100 * share:.1f}", ha="center", va="center", color=colour, fontsize=7)
    for row, level in enumerate(chance[:, 0]):
        axes.text(-1, row, f"{100 * level:.1f}", ha="center", va="center", color=SOFT, fontsize=7)
    axes.set_xticks(range(-1, len(names)), ["chance", *labels])
    axes.set_yticks(range(len(attributes)), [shown(name) for name in attributes])
    axes.set_xlim(-1.5, len(names) - 0.5)
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    if slanted:
        for text in axes.get_xticklabels():
            text.set(rotation=35, ha="left", rotation_mode="anchor")
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=axes, label="From chance to perfect (%)", fraction=0.05, aspect=30)
    bar.outline.set_visible(False)
    percent_axis(bar.ax.yaxis)
    return figure
