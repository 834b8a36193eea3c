"""Correct the permutation tests of an audit for their number."""

import pandas as pd

from evaluation.audit.cache import Frames
from evaluation.leakage.multiplicity import ALPHA, holm, shuffles_needed, significant

TESTED = ("permutation", "confident")
"""Sections with permutation tests that a verdict follows."""
TESTS_EACH = 3
"""Most tests of one attribute in one representation: two hypotheses, and the surest samples."""


def correct_tests(frames: Frames) -> Frames:
    """Apply Holm's method to all tests that verdicts follow, as one family.

    Args:
        frames: `permutation` and `confident`, either may be missing, with `p_value`, `exceedances` and
            `permutations` (shuffles used). Rows of `confident` that share a test hold the same p-value.

    Returns:
        The same frames with `p_holm`, `significant` (with the margin that the number of shuffles needs) and
        `enough` (whether so many shuffles can give a significant result in a family of this size).
    """
    tests = {name: _tests(frames[name]) for name in TESTED if name in frames}
    if not tests:
        return {}
    family = pd.concat(tests, names=["section"])
    family["p_holm"] = holm(family["p_value"].to_numpy())
    family["significant"] = significant(
        family["exceedances"].to_numpy(), family["permutations"].to_numpy(), ALPHA
    )
    needed = shuffles_needed(len(family), ALPHA)
    # a test that stopped early had enough exceedances to be decided
    family["enough"] = (family["permutations"] >= needed) | (family["exceedances"] >= 1)
    found = {}
    for name in tests:
        keys = _KEYS[name]
        added = family.loc[name][[*keys, "p_holm", "significant", "enough"]]
        found[name] = frames[name].merge(added, on=keys, how="left")
    return found


_KEYS = {
    "permutation": ["representation", "attribute", "hypothesis"],
    "confident": ["representation", "attribute"],
}


def _tests(frame: pd.DataFrame) -> pd.DataFrame:
    """Take one row for each test; the sections differ in their other columns."""
    kept = ["representation", "attribute", "p_value", "exceedances", "permutations"]
    some = frame.assign(hypothesis=frame.get("hypothesis", ""))
    return some[[*kept, "hypothesis"]].drop_duplicates(["representation", "attribute", "hypothesis"])
