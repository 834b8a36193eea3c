"""Figures of 1:N identification."""

from evaluation.audit.result import Audit
from evaluation.plots.cmc_plot import plot_cmc
from evaluation.report.figures import FigureWriter, ReportFigure


def identification_figure(audit: Audit, figures: FigureWriter) -> ReportFigure | None:
    """Draw the CMC of all probes, and of the probes of each group; None if it was not measured."""
    frame = audit.frame("identification")
    if frame.empty:
        return None
    gallery = f"{frame['gallery'].iloc[0]:,}"
    named = frame.assign(group=frame["group"].replace("", "all probes"))
    return figures.write(
        "cmc",
        "Identification rate at each rank (CMC)",
        f"How often the right one of {gallery} enrolled subjects is among the best 1, 2, 3, ... of a search "
        "(upwards; the band is the 95 % interval over the subjects who were searched for). Higher is better. "
        "A larger gallery has lower rates.",
        plot_cmc(named.drop(columns="group") if named["group"].nunique() == 1 else named),
    )
