"""Choose a representation by each rule of model selection, on the validation subjects."""

import pandas as pd

from evaluation.fairness.candidates import Candidates
from evaluation.fairness.selection import (
    BestAccuracy,
    DistanceToOptimum,
    MostUtility,
    Oracle,
    Rule,
    WorstGroup,
)


def choose_representations(candidates: pd.DataFrame, leakage_at_most: float | None) -> pd.DataFrame:
    """Apply every rule to the representations, for each attribute.

    Args:
        candidates: one row for each representation and attribute: `representation`, `attribute`, and
            `val_<measure>` and `test_<measure>` for `accuracy`, `worst_group_accuracy`, `tpr_gap`, `leakage`
            and any others.
        leakage_at_most: limit of the rule that takes the most accurate of those that leak no more; None omits
            that rule.

    Returns:
        One row for each attribute and rule: `representation` (the chosen one), `attribute`, `rule`, `bound`
        (whether the rule used the test measures, and so is a bound and not a result), and the measures of the
        chosen one. If no candidate qualifies, the representation and the measures are nan.
    """
    rules = _rules(leakage_at_most)
    tables = []
    for attribute, table in candidates.groupby("attribute", sort=False):
        chosen = Candidates(table.drop(columns="attribute")).evaluate(rules)
        chosen.insert(0, "representation", chosen.pop("representation"))
        chosen.insert(1, "attribute", attribute)
        chosen.insert(3, "bound", [isinstance(rule, Oracle) for rule in rules])
        tables.append(chosen)
    return pd.concat(tables, ignore_index=True)


def _rules(leakage_at_most: float | None) -> list[Rule]:
    """List all rules at once, as the test measures can be opened only once."""
    fair: list[Rule] = [WorstGroup(), DistanceToOptimum()]
    if leakage_at_most is not None:
        fair.append(MostUtility(leakage_at_most))
    return [BestAccuracy(), *fair, *map(Oracle, fair)]
