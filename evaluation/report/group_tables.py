"""Tables of errors by group."""

from math import isnan

from evaluation.audit.result import Audit
from evaluation.fairness.gap_changes import OVERALL
from evaluation.report.result_tables import Cell, make_table
from evaluation.report.tables import Table
from evaluation.samples.wording import MISSING, interval, number, p_value, percent, short

_MEASURES = {
    "tpr": "TPR",
    "fpr": "FPR",
    "auc": "AUC",
    "selection_rate": "share taken",
    "fmr_gap": "gap of FMR",
    "fnmr_gap": "gap of FNMR",
    "fmr_ratio": "ratio of FMR",
    "fnmr_ratio": "ratio of FNMR",
    "inequity_rate": "inequity rate",
    "fdr": "FDR",
    "garbe": "GARBE",
    "skewed_error_ratio": "skewed error ratio",
    "n_sigma_genuine": "N-sigma of genuine scores",
    "n_sigma_impostor": "N-sigma of impostor scores",
}


def demographic_tables(audit: Audit) -> list[Table]:
    """Make the tables of verification errors by group, and of their differences."""
    groups = make_table(
        "demographic_rates",
        "Verification errors of every group at one threshold.",
        audit.frame("demographic_rates"),
        {
            "representation": lambda x: x.representation,
            "group": lambda x: x.group,
            "FMR": lambda x: percent(x.fmr, 3),
            "FMR, 95 %": lambda x: interval(x.fmr_low, x.fmr_high, 3),
            "FNMR": lambda x: percent(x.fnmr, 2),
            "FNMR, 95 %": lambda x: interval(x.fnmr_low, x.fnmr_high, 2),
            "genuine pairs": lambda x: f"{x.genuine:,}",
            "impostor pairs": lambda x: f"{x.impostor:,}",
        },
        texts=2,
    )
    differences = make_table(
        "demographic_differentials",
        "How far apart the groups are, and how far groups drawn at random would be: the largest of several "
        "rates exceeds the smallest even if the groups do not differ. p is the share of random groups that "
        "are at least as far apart.",
        audit.frame("demographic_differentials"),
        {
            "representation": lambda x: x.representation,
            "measure": lambda x: _MEASURES.get(x.measure, x.measure),
            "value": lambda x: short(x.value),
            "95 %": lambda x: _span(x.low, x.high),
            "half of random groups within": lambda x: short(x.null_median),
            "95 of 100 within": lambda x: short(x.null_95),
            "p": lambda x: p_value(x.p_value),
        },
        texts=2,
    )
    return [x for x in (groups, differences) if x]


def _span(low: float, high: float) -> str:
    """Format an interval of numbers of any size; a dash if an end is nan."""
    return MISSING if isnan(low) or isnan(high) else f"[{short(low)}, {short(high)}]"


def downstream_tables(audit: Audit) -> list[Table]:
    """Make the tables of a classifier that was trained on biased samples, for two groups."""
    rates = audit.frame("downstream")
    if rates.empty:
        return []
    words: dict[str, Cell] = {
        "representation": lambda x: x.representation,
        "groups of": lambda x: x.attribute,
    }
    groups = make_table(
        "downstream",
        f"A classifier of {audit.settings['target']} trained with bias {audit.settings['bias']} (all draws "
        "together).",
        rates,
        {
            **words,
            "group": lambda x: x.group,
            "accuracy": lambda x: percent(x.accuracy),
            "TPR": lambda x: percent(x.tpr),
            "TPR, 95 %": lambda x: interval(x.tpr_low, x.tpr_high),
            "FPR": lambda x: percent(x.fpr),
            "FPR, 95 %": lambda x: interval(x.fpr_low, x.fpr_high),
            "taken": lambda x: percent(x.selection_rate),
        },
        texts=3,
    )
    gap: dict[str, Cell] = {
        "measure": lambda x: _MEASURES.get(x.measure, x.measure),
        "gap": lambda x: percent(x.gap),
        "95 %": lambda x: interval(x.low, x.high),
    }
    gaps = make_table(
        "signed_gaps",
        "Rate of the second group minus that of the first.",
        audit.frame("signed_gaps"),
        {**words, **gap},
        texts=3,
    )
    response = make_table(
        "dose_response",
        "The same gaps at every bias of the training samples.",
        audit.frame("dose_response"),
        {**words, "bias": lambda x: f"{x.bias:g}", **gap},
        texts=4,
    )
    growth = make_table(
        "dose_slopes",
        "How much each gap grows with the bias: points of gap for every 10 points of bias, as a straight "
        "line over all biases has it. Below 0 it moves towards the first group.",
        audit.frame("dose_slopes"),
        {
            **words,
            "measure": lambda x: _MEASURES.get(x.measure, x.measure),
            "points of gap for 10 of bias": lambda x: number(10 * x.slope, 1),
            "95 %": lambda x: interval(x.low / 10, x.high / 10),
        },
        texts=3,
    )
    changes = make_table(
        "gap_changes",
        "Classifiers on each representation against those on the first, at every bias: the gap (second group "
        "minus the first) or the accuracy of all, its change, and the share of the gap that is left, where "
        "there was one. Intervals are paired, over subjects and draws.",
        audit.frame("gap_changes"),
        {
            **words,
            "bias": lambda x: f"{x.bias:g}",
            "measure": lambda x: _MEASURES.get(x.measure, x.measure),
            "before": lambda x: percent(x.before),
            "after": lambda x: percent(x.after),
            "change": lambda x: percent(x.change),
            "95 %": lambda x: interval(x.low, x.high),
            "left": lambda x: MISSING if isnan(x.ratio) or x.measure == OVERALL else percent(x.ratio),
            "left, 95 %": lambda x: (
                MISSING if isnan(x.ratio) or x.measure == OVERALL else interval(x.ratio_low, x.ratio_high)
            ),
        },
        texts=4,
    )
    return [x for x in (groups, gaps, response, growth, changes) if x]
