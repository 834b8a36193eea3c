"""Figures of the power of the permutation test, and of what more data would read."""

from evaluation.audit.attacker_names import attacker_name
from evaluation.audit.result import Audit
from evaluation.plots.learning_curve_plot import plot_learning_curve
from evaluation.plots.power_plot import plot_power
from evaluation.report.figures import FigureWriter, ReportFigure


def attack_figures(audit: Audit, attribute: str, slug: str, figures: FigureWriter) -> list[ReportFigure]:
    """Draw those of the two that were measured."""
    drawn = []
    curve = audit.frame("learning_curve", attribute=attribute)
    if not curve.empty:
        drawn.append(
            figures.write(
                f"learning_curve_{slug}",
                f"Leakage of {attribute} by the attacker's data",
                "Balanced accuracy by the number of labelled samples that an attacker learns from. Hollow "
                "markers are extrapolated to twice and ten times the data; whiskers are 95 % intervals over "
                "subjects, of an extrapolation with the error of predicting the largest measured size.",
                plot_learning_curve(curve.assign(attacker=curve["attacker"].map(attacker_name))),
            )
        )
    power = audit.frame("power", attribute=attribute)
    if not power.empty:
        drawn.append(
            figures.write(
                f"power_{slug}",
                f"Power of the permutation test for {attribute}",
                "Share of leaks of a size, planted along random directions of these embeddings, that a "
                "single permutation test at p <= 0.05 finds. It is an estimate from 50 directions, without "
                "interval.",
                plot_power(power),
            )
        )
    return drawn
