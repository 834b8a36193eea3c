"""Table of the representation that each rule of model selection chooses."""

import pandas as pd

from evaluation.audit.result import Audit
from evaluation.report.result_tables import Cell, make_table
from evaluation.report.tables import Table
from evaluation.samples.wording import percent

_MEASURES = {
    "accuracy": "accuracy",
    "worst_group_accuracy": "worst group",
    "tpr_gap": "TPR gap",
    "leakage": "leakage",
}
_NONE = "none qualifies"


def choice_table(audit: Audit) -> Table | None:
    """Make one row for each attribute and rule; None if there was nothing to choose."""

    def measure(name: str) -> Cell:
        return lambda x: f"{percent(getattr(x, f'val_{name}'))} / {percent(getattr(x, f'test_{name}'))}"

    return make_table(
        "selection",
        "The representation that each rule chooses by the validation subjects, and what that choice gives "
        "them / the test subjects.",
        audit.frame("selection"),
        {
            "rule": lambda x: f"{x.rule}: a bound" if x.bound else x.rule,
            "groups of": lambda x: x.attribute,
            "chooses": lambda x: _NONE if pd.isna(x.representation) else x.representation,
            **{words: measure(name) for name, words in _MEASURES.items()},
        },
        texts=3,
    )


def choice_text(audit: Audit) -> list[str]:
    """Explain the table; empty if there was nothing to choose."""
    if audit.frame("selection").empty:
        return []
    limit = audit.settings["leakage_at_most"]
    limited = (
        ""
        if limit is None
        else f" The rule of a limit takes the most accurate of those that leak {percent(limit)} or less."
    )
    return [
        f"Which representation should a classifier of {audit.settings['target']} be built on? Each rule "
        "chooses by the validation subjects alone, and the test subjects say what its choice is worth. Best "
        "accuracy takes the most accurate, whomever it serves; worst group the one that is most accurate for "
        "the group served worst; distance to optimum the one that is nearest to the best accuracy and the "
        f"smallest TPR gap of all.{limited} Of equals a rule takes the first.",
        "An oracle is its rule, shown the test subjects: a bound on what choosing could reach, and no "
        "result. Leakage is what one fast attacker reads of the attribute (balanced accuracy), the TPR gap "
        "is without its sign, and none of these figures has an interval: choices of close ones are luck.",
    ]
