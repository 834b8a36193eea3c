"""Plot leakage against verification."""

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from evaluation.plots.label_placement import label_points
from evaluation.plots.parts import CHANCE, legend_above, line_key, panel_grid, percent_axis, require, whiskers
from evaluation.plots.style import GREY, INK, PAGE, PALETTE, Look, shown, styled
from evaluation.samples.arrays import Floats

_MARKERS = "osD^vPX"
_CROWD = 10  # points that fit into one column of a paper; more get both
_HEIGHTS = 3.2, 5.0  # inches, of a figure of one column and of both
_FRONT: Look = {"color": GREY, "linewidth": 1, "zorder": 0}
_WHISKER: Look = {"ecolor": GREY, "elinewidth": 0.8, "capsize": 1.8, "zorder": 1}
_CONTROL: Look = {"color": INK, "linestyle": ":", "linewidth": 0.9, "zorder": 0}


def pareto_front(leakage: Floats, auc: Floats) -> NDArray[np.bool_]:
    """Find the Pareto-optimal points, (n,) bool: no other is better in one measure and no worse in the other.

    Args:
        leakage: (n,), lower is better.
        auc: (n,), higher is better.
    """
    no_worse = (leakage <= leakage[:, None]) & (auc >= auc[:, None])
    better = (leakage < leakage[:, None]) | (auc > auc[:, None])
    return ~np.any(no_worse & better, axis=1)


@styled
def plot_tradeoff(frame: pd.DataFrame, *, chance: float, control: str | None = None) -> Figure:
    """Draw leakage against verification; the lower right corner is blind and useful.

    Args:
        frame: one row for each representation: `representation`, `leakage` (balanced accuracy of the
            strongest attacker), `auc` (of verification), both in [0, 1]. Optional: `low`, `high` (95 %
            interval of the leakage), `method` (points of one method, such as those of several lambda, share a
            colour and a marker, and are joined by a line), `label` (beside a point, instead of the name of
            its representation). A row without a leakage or an AUC is left out.
        chance: chance level in [0, 1].
        control: the representation before any removal; lines show its leakage and its AUC.

    Raises:
        ValueError: no rows, missing columns, or a control that is not one row of the frame.
    """
    columns = ["representation", "leakage", "auc"]
    frame = frame.dropna(subset=[name for name in columns if name in frame])
    require(frame, "trade-off", columns)
    figure, (axes,) = panel_grid(1, _HEIGHTS[0])
    if len(frame) > _CROWD:
        figure.set_size_inches(PAGE, _HEIGHTS[1])
    auc, leakage = frame["auc"].to_numpy(float), frame["leakage"].to_numpy(float)
    entries = _draw_points(axes, frame, auc, leakage) if "method" in frame else []
    if not entries:
        axes.plot(auc, leakage, "o", color=PALETTE[0])
    ends = None
    if {"low", "high"} <= set(frame):
        ends = frame["low"].to_numpy(float), frame["high"].to_numpy(float)
        axes.errorbar(auc, leakage, yerr=whiskers(leakage, *ends), fmt="none", **_WHISKER)
    front = np.flatnonzero(pareto_front(leakage, auc))
    front = front[np.argsort(auc[front], kind="stable")]
    # between two points of the front, an AUC costs the leakage of the point to the right
    axes.step(auc[front], leakage[front], where="pre", **_FRONT)
    axes.axhline(chance, **CHANCE)
    entries += [("Pareto front", line_key(**_FRONT)), ("chance", line_key(**CHANCE))]
    if control is not None:
        _draw_control(axes, frame, control)
        entries.append((f"control ({shown(control)})", line_key(**_CONTROL)))
    room = 0.25 * max(float(np.ptp(auc)), 0.02)
    axes.set_xlim(auc.min() - room, auc.max() + room)
    axes.set_xticks([tick for tick in axes.get_xticks() if tick <= 1 and tick >= axes.get_xlim()[0]])
    axes.set_ylim(min(chance, leakage.min()) - 0.06, leakage.max() + 0.1)
    axes.set(xlabel="Verification AUC (%)", ylabel="Leakage: balanced accuracy (%)")
    percent_axis(axes.xaxis)
    percent_axis(axes.yaxis)
    legend_above(figure, entries)
    names = frame["label" if "label" in frame else "representation"]
    label_points(axes, auc, leakage, [shown(name) for name in names], ends)
    return figure


def _draw_points(axes: Axes, frame: pd.DataFrame, auc: Floats, leakage: Floats) -> list[tuple[str, Artist]]:
    """Draw a colour, a marker and a line for each method; returns the entries of the legend."""
    entries: list[tuple[str, Artist]] = []
    for i, method in enumerate(frame["method"].unique()):
        rows = (frame["method"] == method).to_numpy()
        again = i // len(PALETTE)  # the colours repeat, with another marker each
        look: Look = {"marker": _MARKERS[(i + again) % len(_MARKERS)], "color": PALETTE[i % len(PALETTE)]}
        axes.plot(auc[rows], leakage[rows], linewidth=0.7, **look)
        entries.append((shown(method), line_key(linewidth=0.7, **look)))
    return entries


def _draw_control(axes: Axes, frame: pd.DataFrame, control: str) -> None:
    """Draw lines through the control."""
    rows = frame[frame["representation"] == control]
    if len(rows) != 1:
        raise ValueError(f"the control {control!r} is in {len(rows)} rows of the trade-off table, not in 1")
    axes.axhline(rows["leakage"].item(), **_CONTROL)
    axes.axvline(rows["auc"].item(), **_CONTROL)
