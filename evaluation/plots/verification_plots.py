"""Plot verification: ROC, DET, error rates and scores."""

import numpy as np
import pandas as pd
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator
from scipy.stats import norm

from evaluation.plots.parts import (
    CHANCE,
    legend_above,
    line_key,
    panel_grid,
    panels_in_a_row,
    percent_axis,
    require,
    split,
)
from evaluation.plots.style import INK, PALETTE, Look, appearance, shown, styled

RATES = ("representation", "threshold", "fmr", "fnmr")
_FMR, _FNMR = "False match rate, FMR (%)", "False non-match rate, FNMR (%)"
_DECADES = 6  # of the false match rate that are shown, at most
_DET_ENDS = 1e-5, 0.9
_DET_TICKS = (1e-4, 1e-3, 1e-2, 0.05, 0.2, 0.5, 0.8)
_SCORES = {"genuine": PALETTE[0], "impostor": PALETTE[1]}


@styled
def plot_roc(rates: pd.DataFrame) -> Figure:
    """Draw the true accept rate against the false match rate on a logarithmic axis; chance is TAR = FMR.

    Args:
        rates: rows of `PairScores.rates` with the column `representation`; optional: `auc`, for the legend.

    Raises:
        ValueError: no rows, or missing columns.
    """
    require(rates, "verification rates", RATES)
    lowest = _lowest_fmr(rates)
    looks = appearance(rates["representation"])
    figure, (axes,) = panel_grid(1, 2.9)
    areas = dict(rates.groupby("representation")["auc"].first()) if "auc" in rates else {}
    for name, curve in split(rates, "representation").items():
        # a logarithmic axis has no 0: the best threshold without false matches is drawn at the edge
        points = curve.groupby(curve["fmr"].clip(lower=lowest))["fnmr"].min()
        axes.plot(points.index, 1 - points, **looks[name])
    chance = np.geomspace(lowest, 1, 100)
    axes.plot(chance, chance, **CHANCE)
    axes.set(xscale="log", xlim=(lowest, 1), ylim=(0, 1.01))
    axes.set(xlabel=_FMR, ylabel="True accept rate, TAR (%)")
    axes.xaxis.set(major_locator=LogLocator(numticks=_DECADES + 2), minor_locator=NullLocator())
    axes.grid()
    percent_axis(axes.xaxis)
    percent_axis(axes.yaxis)
    areas_text = {name: f" (AUC {areas[name]:.4f})" if name in areas else "" for name in looks}
    entries = [(shown(name) + areas_text[name], line_key(**look)) for name, look in looks.items()]
    legend_above(figure, [*entries, ("chance", line_key(**CHANCE))])
    return figure


@styled
def plot_det(rates: pd.DataFrame) -> Figure:
    """Draw the detection error trade-off on normal deviate axes, with a dotted line of equal errors.

    Args:
        rates: rows of `PairScores.rates` with the column `representation`.

    Raises:
        ValueError: no rows, or missing columns.
    """
    require(rates, "verification rates", RATES)
    ends = max(_lowest_fmr(rates), _DET_ENDS[0]), _DET_ENDS[1]
    looks = appearance(rates["representation"])
    figure, (axes,) = panel_grid(1, 3.3)
    for name, curve in split(rates, "representation").items():
        curve = curve.sort_values("threshold")
        axes.plot(norm.ppf(curve["fmr"]), norm.ppf(curve["fnmr"]), **looks[name])
    equal: Look = {"color": INK, "linestyle": ":", "linewidth": 0.9}
    axes.plot(norm.ppf(ends), norm.ppf(ends), **equal)
    axes.set(xlim=norm.ppf(ends), ylim=norm.ppf(ends), xlabel=_FMR, ylabel=_FNMR)
    axes.set_box_aspect(1)
    axes.grid()
    _deviate_axis(axes.xaxis)
    _deviate_axis(axes.yaxis)
    entries = [(shown(name), line_key(**look)) for name, look in looks.items()]
    legend_above(figure, [*entries, ("equal errors", line_key(**equal))])
    return figure


@styled
def plot_error_rates(rates: pd.DataFrame) -> Figure:
    """Draw FMR and FNMR (FAR and FRR) against the threshold, one panel for each representation.

    A dot marks the crossing, with its threshold.

    Args:
        rates: rows of `PairScores.rates` with the column `representation`.

    Raises:
        ValueError: no rows, or missing columns.
    """
    require(rates, "verification rates", RATES)
    curves = split(rates, "representation")
    figure, panels = panel_grid(len(curves), 2.4, sharey=True)
    for axes, (name, curve) in zip(panels, curves.items(), strict=True):
        curve = curve[np.isfinite(curve["threshold"])].sort_values("threshold")
        axes.plot(curve["threshold"], curve["fmr"], color=PALETTE[0])
        axes.plot(curve["threshold"], curve["fnmr"], color=PALETTE[1], linestyle="--")
        title = shown(name)
        if crossing := equal_error(curve):
            axes.plot(*crossing, marker="o", color=INK, linestyle="none", clip_on=False)
            words = f"{crossing[0]:.2f}".replace("-", "−")
            axes.annotate(words, crossing, (0, 6), textcoords="offset points", ha="center", fontsize=7)
            title += f"\n(EER {100 * crossing[1]:.1f} %)"
        axes.set(title=title, xlabel="Threshold of the score", ylim=(0, 1.01))
        axes.grid(axis="y")
        percent_axis(axes.yaxis)
    for axes in panels[:: panels_in_a_row(len(panels))]:
        axes.set_ylabel("Error rate (%)")
    entries = [
        ("false match (FMR, FAR)", line_key(color=PALETTE[0])),
        ("false non-match (FNMR, FRR)", line_key(color=PALETTE[1], linestyle="--")),
    ]
    legend_above(figure, entries)
    return figure


@styled
def plot_score_histogram(histogram: pd.DataFrame) -> Figure:
    """Draw the densities of genuine and impostor scores, one panel for each representation.

    Args:
        histogram: rows of `PairScores.histogram` with the column `representation`.

    Raises:
        ValueError: no rows, or missing columns.
    """
    require(histogram, "score histogram", ("representation", "score", "width", *_SCORES))
    groups = split(histogram, "representation")
    figure, panels = panel_grid(len(groups), 2.2)
    for axes, (name, bins) in zip(panels, groups.items(), strict=True):
        edges = np.append(bins["score"] - bins["width"] / 2, (bins["score"] + bins["width"] / 2).iloc[-1])
        for kind, colour in _SCORES.items():
            axes.stairs(bins[kind], edges, fill=True, color=colour, alpha=0.3)
            axes.stairs(bins[kind], edges, color=colour, linewidth=1)
        axes.set(title=shown(name), xlabel="Score of a pair", yticks=[])
    for axes in panels[:: panels_in_a_row(len(panels))]:
        axes.set_ylabel("Density")
    legend_above(figure, [(f"{kind} pairs", Patch(color=c, alpha=0.6)) for kind, c in _SCORES.items()])
    return figure


def equal_error(curve: pd.DataFrame) -> tuple[float, float] | None:
    """Find threshold and rate where FMR and FNMR cross, by straight segments between the points of the curve.

    None if they do not cross because all scores are the same.

    Args:
        curve: columns `threshold`, `fmr`, `fnmr`, sorted by threshold.
    """
    threshold, fmr, fnmr = (curve[name].to_numpy(float) for name in RATES[1:])
    gap = fmr - fnmr
    crossing = np.flatnonzero(gap[:-1] * gap[1:] <= 0)
    if not len(crossing):
        return None
    i = crossing[0]
    part = gap[i] / (gap[i] - gap[i + 1]) if gap[i] != gap[i + 1] else 0.0
    between = [float(x[i] + part * (x[i + 1] - x[i])) for x in (threshold, fmr)]
    return between[0], between[1]


def _lowest_fmr(rates: pd.DataFrame) -> float:
    """Choose the start of an axis of false match rates: a power of ten below all of them, 1e-6 to 0.1."""
    positive = rates.loc[rates["fmr"] > 0, "fmr"].min()
    return max(min(10.0 ** np.floor(np.log10(positive)), 0.1), 10.0**-_DECADES)


def _deviate_axis(axis: Axis) -> None:
    """Set ticks at error rates, in percent, on an axis of normal deviates."""
    axis.set_major_locator(FixedLocator(norm.ppf(_DET_TICKS)))
    axis.set_major_formatter(FuncFormatter(lambda deviate, _: f"{100 * norm.cdf(deviate):.4g}"))
