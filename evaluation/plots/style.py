"""The style of all figures: readable in print at the width of a column, and with any colour vision."""

from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

from matplotlib import rc_context, style
from matplotlib.figure import Figure

P = ParamSpec("P")
Look = dict[str, Any]  # keyword arguments of a line

COLUMN, PAGE = 3.5, 7.0  # inches: the width of one column of a paper, and of both
PRINT_DPI = 300
# Okabe and Ito's palette, distinguishable with any colour vision; the first is for all samples.
COLOURS = ("#7f7f7f", "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
GREY, SOFT, INK = COLOURS[0], "#5c5c5c", "#222222"
PALETTE = (*COLOURS[1:], "#000000")
DASHES = ("-", "--", "-.", ":")  # distinguish lines in print without colour
NAME = 28  # characters that a name may have

STYLE: Look = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "legend.handlelength": 1.8,
    "legend.columnspacing": 1.2,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#666666",
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.4,
    "lines.markersize": 4,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.5,
    "figure.facecolor": "white",  # and opaque, for a page in dark mode
    "savefig.dpi": PRINT_DPI,
    "svg.fonttype": "none",  # text stays text: it can be searched, selected and read aloud
    "text.parse_math": False,  # a $ in the name of a class is a $
}


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Make a function draw in this style, and restore the user's style afterwards."""

    @wraps(draw)
    def inside(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with style.context(STYLE, after_reset=True):
            return draw(*args, **kwargs)

    return inside


def save_figure(figure: Figure, folder: Path | str, name: str) -> tuple[Path, Path]:
    """Write `<folder>/<name>.svg` and `.png`, the same bytes for the same figure; makes the folder.

    The ids inside an SVG depend on `name`, so that one page can hold several.

    Returns:
        The paths of the two files.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    svg, png = (Path(folder, f"{name}.{kind}") for kind in ("svg", "png"))
    with style.context(STYLE, after_reset=True), rc_context({"svg.hashsalt": name}):
        figure.savefig(svg, metadata={"Date": None})
        figure.savefig(png)
    return svg, png


def shown(name: object, most: int = NAME) -> str:
    """Make a name from data fit to be drawn: one line, printable, shortened in the middle if it is long."""
    text = "".join(c if c.isprintable() else " " for c in str(name))
    text = " ".join(text.split()) or "(no name)"
    return text if len(text) <= most else f"{text[: most // 2]}…{text[1 - most // 2 :]}"


def appearance(names: Iterable[object]) -> dict[Any, Look]:
    """Assign each name the `color` and `linestyle` of its lines, in order of appearance."""
    distinct = dict.fromkeys(names)
    return {
        name: {"color": PALETTE[i % len(PALETTE)], "linestyle": DASHES[i % len(DASHES)]}
        for i, name in enumerate(distinct)
    }
