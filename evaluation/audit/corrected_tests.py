"""Correct the permutation tests of an audit for their number."""

import pandas as pd

from evaluation.audit.cache import Frames
from evaluation.leakage.multiplicity import ALPHA, STOP, holm, shuffles_needed

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
        The same frames with `p_holm`; `enough`, whether there were so many shuffles that others would confirm
        a significant result in a family of this size (see `shuffles_needed`; a test that stopped early is
        decided); and `significant`, whether `p_holm` is 0.05 or less of enough shuffles.
    """
    tests = {name: _tests(frames[name]) for name in TESTED if name in frames}
    if not tests:
        return {}
    family = pd.concat(tests, names=["section"])
    family["p_holm"] = holm(family["p_value"].to_numpy())
    needed = shuffles_needed(len(family), ALPHA)
    family["enough"] = (family["permutations"] >= needed) | (family["exceedances"] >= STOP)
    family["significant"] = family["enough"] & (family["p_holm"] <= ALPHA)
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
    """Take the row of the smallest p-value of each test: the maximum over shares is one test."""
    kept = ["representation", "attribute", "p_value", "exceedances", "permutations"]
    some = frame.assign(hypothesis=frame.get("hypothesis", ""))
    some = some.sort_values("p_value", kind="stable")
    return some[[*kept, "hypothesis"]].drop_duplicates(["representation", "attribute", "hypothesis"])
