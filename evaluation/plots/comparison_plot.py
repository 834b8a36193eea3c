"""Plot the cosines of all pairs of a few images."""

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from evaluation.plots.parts import legend_above, panel_grid, require, split
from evaluation.plots.style import INK, PALETTE, shown, styled

_DARK = 0.6  # cosine from which a number on its cell is white


@styled
def plot_comparison(frame: pd.DataFrame) -> Figure:
    """Draw a panel for each representation: a cell for each pair, the pair of one subject framed.

    Args:
        frame: rows of `pair_comparison.compare_images` with the column `representation`.

    Raises:
        ValueError: no rows, or missing columns.
    """
    require(frame, "comparison", ("representation", "first", "second", "cosine", "same"))
    groups = split(frame, "representation")
    names = list(dict.fromkeys([*frame["first"], *frame["second"]]))
    figure, panels = panel_grid(len(groups), 0.9 + 0.35 * len(names))
    for axes, (title, pairs) in zip(panels, groups.items(), strict=True):
        down, across = (pairs[side].map(names.index).to_numpy() for side in ("second", "first"))
        value = np.full((len(names), len(names)), np.nan)
        value[down, across] = pairs["cosine"]
        axes.imshow(value, cmap=colormaps["Blues"], vmin=0, vmax=1, aspect="auto")
        for y, x, cosine, same in zip(down, across, pairs["cosine"], pairs["same"], strict=True):
            colour = "white" if cosine > _DARK else INK
            text = f"{cosine:.2f}".replace("-", "−")
            axes.text(x, y, text, ha="center", va="center", color=colour, fontsize=7)
            if same:
                axes.add_patch(_frame((x - 0.5, y - 0.5)))
        axes.set_xticks(range(len(names) - 1), names[:-1])
        axes.set_yticks(range(1, len(names)), names[1:])
        axes.set(title=shown(title), xlim=(-0.5, len(names) - 1.5), ylim=(len(names) - 0.5, 0.5))
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    legend_above(figure, [("one subject", _frame((0, 0)))])
    return figure


def _frame(corner: tuple[float, float]) -> Rectangle:
    return Rectangle(corner, 1, 1, fill=False, edgecolor=PALETTE[1], linewidth=1.6)
