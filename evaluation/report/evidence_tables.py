"""Tables of the evidence for a verdict: hypotheses, the strongest attacker, paired differences and power."""

from math import isnan
from typing import Any

from evaluation.audit.attacker_names import attacker_name
from evaluation.audit.result import STRONGEST, Audit
from evaluation.report.result_tables import LEAKAGE, Cell, make_table, removed_text
from evaluation.report.tables import Table
from evaluation.samples.wording import MISSING, interval, p_value, percent


def evidence_tables(audit: Audit, attribute: str, slug: str) -> list[Table]:
    """Make the tables that a verdict rests on."""
    tables = [
        hypotheses_table(audit, attribute, slug),
        strongest_table(audit, attribute, slug),
        difference_table(audit, attribute, slug),
        smallest_leak_table(audit, attribute, slug),
    ]
    return [table for table in tables if table]


def hypotheses_table(audit: Audit, attribute: str, slug: str) -> Table | None:
    """Make the table of the permutation tests, a row for each representation and hypothesis."""
    frame = audit.frame("permutation", attribute=attribute)
    if "hypothesis" not in frame:
        return None
    return make_table(
        f"hypotheses_{slug}",
        f"Permutation tests of {attribute}. Images and subjects are those that were scored; Holm p is "
        "corrected for all attributes and representations.",
        frame,
        {
            "representation": lambda x: x.representation,
            "hypothesis": lambda x: x.hypothesis,
            "attacker": lambda x: attacker_name(x.attacker),
            "embeddings": lambda x: x.scaling,
            "leakage": lambda x: percent(x.statistic),
            "95 %": lambda x: interval(x.low, x.high),
            "shuffled, mean": lambda x: percent(x.null_mean),
            "shuffled, 95 of 100 below": lambda x: percent(x.null_high),
            "p": lambda x: p_value(x.p_value),
            "Holm p": lambda x: p_value(x.p_holm),
            "shuffles": count("permutations"),
            "images": count("n"),
            "subjects": count("people"),
            "blocks": count("blocks"),
        },
        texts=4,
    )


def strongest_table(audit: Audit, attribute: str, slug: str) -> Table | None:
    """Make the table of the strongest attacker on each representation."""
    return make_table(
        f"strongest_{slug}",
        f"Leakage of {attribute}: balanced accuracy of the strongest of all attackers, scalings and "
        "sources of training subjects. The interval accounts for the choice of the strongest.",
        audit.frame("strongest", attribute=attribute),
        {
            "representation": lambda x: x.representation,
            "attacker": lambda x: attacker_name(x.attacker),
            "embeddings": lambda x: x.scaling,
            "learned from": lambda x: x.learned_from,
            **LEAKAGE,
            "chance": lambda x: percent(x.chance),
        },
        texts=4,
    )


def difference_table(audit: Audit, attribute: str, slug: str) -> Table | None:
    """Make the table of the paired difference and the leakage reduction by the strongest attacker."""
    frame = audit.frame("removed", attribute=attribute, attacker=STRONGEST)
    if "difference" not in frame:
        return None
    return make_table(
        f"difference_{slug}",
        f"Leakage of {attribute} before and after, by the strongest attacker of each. The difference in "
        "points is paired over subjects; the last column judges by its 95 % interval.",
        frame,
        {
            "representation": lambda x: x.representation,
            "before": lambda x: percent(x.before),
            "after": lambda x: percent(x.after),
            "difference": lambda x: _points(x.difference),
            "95 %": lambda x: interval(x.difference_low, x.difference_high),
            "leakage reduction": lambda x: removed_text(x.removed),
            "reduction, 95 %": lambda x: interval(x.removed_low / 100, x.removed_high / 100),
            "than before": lambda x: change(x.difference_low, x.difference_high),
        },
    )


def smallest_leak_table(audit: Audit, attribute: str, slug: str) -> Table | None:
    """Make the table of the smallest leak that the permutation test would find."""
    return make_table(
        f"smallest_leak_{slug}",
        f"The smallest leak of {attribute} that this audit would find: planted into these embeddings and "
        "labels, a leak of this balanced accuracy is found with this probability, at the level that the "
        "correction for the number of tests asks of each.",
        audit.frame("smallest_leak", attribute=attribute),
        {
            "representation": lambda x: x.representation,
            "smallest leak": lambda x: percent(x.accuracy),
            "found with probability": lambda x: percent(x.power, 0),
            "at level": lambda x: p_value(x.alpha),
        },
    )


def change(low: float, high: float) -> str:
    """Say whether more or less leaks than before, by the interval of the paired difference."""
    if isnan(low) or isnan(high):
        return MISSING
    if low > 0:
        return "more"
    return "less" if high < 0 else "same"


def count(column: str) -> Cell:
    """Make the cell of a number of things; a dash for nan."""

    def cell(row: Any) -> str:
        value = float(getattr(row, column))
        return MISSING if isnan(value) else f"{value:,.0f}"

    return cell


def _points(share: float) -> str:
    return MISSING if isnan(share) else f"{100 * share:+.1f}"
