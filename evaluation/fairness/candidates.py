"""Candidates for model selection, whose test results stay sealed until the choices are made."""

from collections.abc import Sequence

import pandas as pd

from evaluation.fairness.selection import NoCandidateError, Oracle, Rule

_VAL, _TEST = "val_", "test_"


class Candidates:
    """Hold validation and test measures apart: rules choose by the former, the latter are opened once.

    Args:
        table: one row for each candidate; columns `val_<measure>` and `test_<measure>` with the same measures
            (of `signed_gaps.summary`, the leakage, ...), and any others, which describe the candidate.

    Raises:
        ValueError: no rows or measures, or measures of only the validation or only the test.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        self._validation, self._test = (_measures(table, prefix) for prefix in (_VAL, _TEST))
        if one_sided := sorted(map(str, set(self._validation) ^ set(self._test))):
            raise ValueError(f"of validation alone or of the test alone: {', '.join(one_sided)}")
        if not self._validation.size:
            raise ValueError("candidates need rows, and columns val_<measure> and test_<measure>")
        self._table = table.reset_index(drop=True)
        self._opened = False

    @property
    def validation(self) -> pd.DataFrame:
        """Copy of the validation measures, one column each, for `rule.select`."""
        return self._validation.copy()

    def evaluate(self, rules: Sequence[Rule]) -> pd.DataFrame:
        """Apply every rule, then open the test measures.

        Args:
            rules: all rules to compare. `Oracle` gets the test measures under the names of the validation
                measures; the others never see them.

        Returns:
            One row for each rule: `rule`, then the columns of its choice, nan if no candidate qualifies.

        Raises:
            RuntimeError: the test was opened before; choosing again would use it.
            ValueError: a rule uses a measure that does not exist.
        """
        if self._opened:
            raise RuntimeError("the test of these candidates was opened before; name all rules in one call")
        chosen = [self._choose(rule) for rule in rules]
        self._opened = True
        result = self._table.reindex(chosen).reset_index(drop=True)
        result.insert(0, "rule", [rule.name for rule in rules])
        return result

    def _choose(self, rule: Rule) -> int:
        """Return the row that a rule chooses, -1 if none qualifies."""
        try:
            return rule.select(self._test.copy() if isinstance(rule, Oracle) else self.validation)
        except NoCandidateError:
            return -1


def _measures(table: pd.DataFrame, prefix: str) -> pd.DataFrame:
    """Select the columns with a prefix, and strip it; rows are numbered from 0."""
    chosen = table[[name for name in table.columns if str(name).startswith(prefix)]]
    return chosen.rename(columns=lambda name: str(name).removeprefix(prefix)).reset_index(drop=True)
