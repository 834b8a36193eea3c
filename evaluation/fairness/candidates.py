"""Models to choose among, with their test sealed until the choices are made."""

from collections.abc import Sequence

import pandas as pd

from evaluation.fairness.selection import NoCandidateError, Oracle, Rule

_VAL, _TEST = "val_", "test_"


class Candidates:
    """Validation and test of each candidate, kept apart: rules choose by the one, the other is opened once.

    Args:
        table: one row a candidate; columns `val_<measure>` and `test_<measure>` with the same measures (of
            `signed_gaps.summary`, the leakage, ...), and any others, which say what the candidate is.

    Raises:
        ValueError: no rows or measures, or measures of the validation alone or of the test alone.
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
        """A copy of the validation, one column a measure, for `rule.select`."""
        return self._validation.copy()

    def evaluate(self, rules: Sequence[Rule]) -> pd.DataFrame:
        """Let every rule choose, then open the test.

        Args:
            rules: all that are to be compared. `Oracle` is given the test's measures under the names of the
                validation's, the others never see them.

        Returns:
            One row a rule: `rule`, then the columns of its choice, nan where it can take none of them.

        Raises:
            RuntimeError: the test has been opened before; who chooses again knows it.
            ValueError: a rule reads a measure that there is not.
        """
        if self._opened:
            raise RuntimeError("the test of these candidates was opened before; name all rules in one call")
        chosen = [self._choose(rule) for rule in rules]
        self._opened = True
        result = self._table.reindex(chosen).reset_index(drop=True)
        result.insert(0, "rule", [rule.name for rule in rules])
        return result

    def _choose(self, rule: Rule) -> int:
        """The row that a rule takes, -1 if it takes none."""
        try:
            return rule.select(self._test.copy() if isinstance(rule, Oracle) else self.validation)
        except NoCandidateError:
            return -1


def _measures(table: pd.DataFrame, prefix: str) -> pd.DataFrame:
    """The columns with the prefix, without it; rows numbered from 0."""
    chosen = table[[name for name in table.columns if str(name).startswith(prefix)]]
    return chosen.rename(columns=lambda name: str(name).removeprefix(prefix)).reset_index(drop=True)
