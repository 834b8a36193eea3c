"""Tables of permutation tests."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from evaluation.leakage.accuracies import balanced_interval
from evaluation.leakage.fold_probes import PROBES
from evaluation.leakage.permutation_null import PermutationResult


def permutation_frame(results: Sequence[PermutationResult], seed: int = 0) -> pd.DataFrame:
    """Make a table of one row for each hypothesis.

    Args:
        results: of `permutation_tests`.
        seed: seed of the bootstrap over subjects.

    Returns:
        `hypothesis`, `scheme`, `attacker` and `scaling` of the best probe, its `statistic` with the 95 %
        interval `low` to `high`, `p_value`, `exceedances`, `permutations` (used), `null_mean`, `null_high`
        (95 % quantile), `n` (samples scored), `people` (their subjects), `blocks` (their units).
    """
    return pd.DataFrame([_row(result, seed) for result in results])


def _row(result: PermutationResult, seed: int) -> dict[str, str | float]:
    kernel, scaling = PROBES[result.probe]
    low, high = balanced_interval(result.correct[result.probe], result.label, result.subjects, seed)
    return {
        "hypothesis": result.hypothesis,
        "scheme": result.scheme,
        "attacker": f"kernel_{kernel}",
        "scaling": scaling,
        "statistic": result.statistic,
        "low": low,
        "high": high,
        "p_value": result.p_value,
        "exceedances": result.exceedances,
        "permutations": len(result.null),
        "null_mean": result.null.mean(),
        "null_high": np.quantile(result.null, 0.95),
        "n": len(result.label),
        "people": len(np.unique(result.subjects)),
        "blocks": result.blocks,
    }
