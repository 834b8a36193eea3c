"""Figures of an audit on the cost of hiding an attribute, overall and by group."""

import pandas as pd

from evaluation.audit.result import Audit
from evaluation.plots.attribute_map_plot import plot_attribute_map
from evaluation.plots.bias_sweep_plot import plot_bias_slopes, plot_bias_sweep
from evaluation.plots.comparison_plot import plot_comparison
from evaluation.plots.group_bars import plot_group_bars, plot_signed_gaps
from evaluation.plots.verification_plots import plot_det, plot_error_rates, plot_roc, plot_score_histogram
from evaluation.report.figures import FigureWriter, ReportFigure


def verification_figures(audit: Audit, figures: FigureWriter) -> list[ReportFigure]:
    """Draw ROC, DET, error rates and score histogram of the cosine scores."""
    curves, bins = (_with_a_curve(audit, f"verification_{kind}") for kind in ("curve", "histogram"))
    if curves.empty:
        return []
    table = audit.frame("verification", metric="cosine")
    pairs = f"n = {table['genuine'].max():,.0f} genuine and {table['impostor'].max():,.0f} impostor pairs"
    without = f"{pairs}; the table has 95 % intervals over subjects."
    return [
        figures.write(
            "roc",
            "ROC curve of every representation",
            "How many genuine pairs are accepted (upwards) at each share of impostor pairs accepted "
            "(to the right, in powers of ten). Higher is better; on the dashed line no subject is "
            f"told apart. {without}",
            plot_roc(curves.merge(table[["representation", "auc"]])),
        ),
        figures.write(
            "det",
            "DET curve of every representation",
            "Both error rates against each other, on axes that make normal scores straight lines. "
            f"Lower is better. {without}",
            plot_det(curves),
        ),
        figures.write(
            "error_rates",
            "FMR and FNMR against the threshold",
            "The shares of impostor pairs accepted and of genuine pairs rejected at each threshold of "
            f"the score. At the point, with its threshold beside it, they are equal. {without}",
            plot_error_rates(curves),
        ),
        figures.write(
            "scores",
            "Scores of genuine and impostor pairs",
            "How the scores of pairs of one subject and of two subjects are spread. The less they "
            f"overlap, the better subjects are told apart. {pairs}.",
            plot_score_histogram(bins),
        ),
    ]


def comparison_figure(audit: Audit, figures: FigureWriter) -> ReportFigure:
    """Draw the cosines of a few images, pair by pair."""
    frame = audit.frame("comparison")
    images = len({*frame["first"], *frame["second"]})
    return figures.write(
        "comparison",
        "A few images, pair by pair",
        f"The cosine of every two of {images} images drawn at random. A1 and A2 show one subject, the other "
        "letters other subjects.",
        plot_comparison(frame),
    )


def map_figure(audit: Audit, figures: FigureWriter) -> ReportFigure:
    """Draw the map of every attribute in every representation."""
    return figures.write(
        "attribute_map",
        "Every attribute in every representation",
        "What one fast attacker reads (balanced accuracy in percent). Blue cells are close to perfect, those "
        "in the colour of the paper to chance. What was not meant to be hidden should stay blue. Up to "
        f"{audit.frame('health')['samples'].max():,.0f} images; the table has 95 % intervals over subjects.",
        plot_attribute_map(audit.frame("attribute_map")),
    )


def downstream_figures(audit: Audit, figures: FigureWriter) -> list[ReportFigure]:
    """Draw the rates of two groups, the gaps between them, and their growth with the bias."""
    drawn = []
    for place, attribute in enumerate(audit.frame("signed_gaps")["attribute"].unique(), 1):
        first, second = audit.classes[attribute]
        rates, gaps, by_bias = (
            audit.frame(section, attribute=attribute)
            for section in ("downstream", "signed_gaps", "dose_response")
        )
        interval = (
            "Whiskers: 95 % intervals over subjects and drawn training sets. "
            f"n = {rates['n'].max():,.0f} predictions."
        )
        drawn += [
            figures.write(
                f"groups_{place}",
                f"Rates of {first} and {second}",
                f"How the classifier treats {first} and {second}, where its training favoured one of them. "
                f"{interval}",
                plot_group_bars(rates),
            ),
            figures.write(
                f"gaps_{place}",
                f"Gaps between {first} and {second}",
                "One rate minus the other. An interval that reaches over the line leaves open whom it "
                f"favours. {interval}",
                plot_signed_gaps(gaps, (first, second)),
            ),
            figures.write(
                f"dose_{place}",
                f"How the gaps between {first} and {second} grow with the bias",
                "The same gaps by the share of the training sample that goes along with the bias; 50 % "
                f"is none. {interval}",
                plot_bias_sweep(by_bias, (first, second)),
            ),
        ]
        slopes = audit.frame("dose_slopes", attribute=attribute)
        if not slopes.empty:
            drawn.append(
                figures.write(
                    f"slopes_{place}",
                    f"The growth of the gaps between {first} and {second} in one number each",
                    "Points of gap for every 10 points of bias, as a straight line over all biases has it. "
                    f"At 0 the bias of the training does not reach the classifier. {interval}",
                    plot_bias_slopes(slopes),
                )
            )
    return drawn


def _with_a_curve(audit: Audit, section: str) -> pd.DataFrame:
    """Select the rows of representations that have a curve; one that collapsed to a vector has none."""
    curves, frame = (audit.frame(name, metric="cosine") for name in ("verification_curve", section))
    some = curves[curves["fmr"].between(0, 1, inclusive="neither")]
    return frame[frame["representation"].isin(some["representation"])]
