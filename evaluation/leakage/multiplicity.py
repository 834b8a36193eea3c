"""P-values of permutation tests: sequential stopping, Holm's method, a margin for the number of shuffles."""

from math import ceil, log

import numpy as np
from scipy.stats import beta

from evaluation.samples.arrays import Floats, Ints

ALPHA = 0.05
STOP = 20  # exceedances after which shuffling stops; p is then known to 22 % of itself
_CONFIDENCE = 0.95  # of the bound on a p-value that shuffles estimate


def sequential_p_value(null: Floats, statistic: float) -> tuple[Floats, float]:
    """Compute the p-value of shuffling that stops at 20 statistics as high as that of the true labels.

    It is 20 over the number of shuffles until then, and (exceedances + 1) / (shuffles + 1) with fewer. Both
    are valid: without a leak p <= alpha in at most that share of the cases (Besag and Clifford, Sequential
    Monte Carlo p-values, 1991). Leaves out shuffles after the stop.

    Args:
        null: (shuffles,) statistics of the shuffles, in the order of their drawing.
        statistic: that of the true labels.
    """
    exceeding = np.flatnonzero(null >= statistic)
    if len(exceeding) >= STOP:
        null = null[: exceeding[STOP - 1] + 1]
        return null, STOP / len(null)
    return null, (1 + len(exceeding)) / (1 + len(null))


def holm(p: Floats) -> Floats:
    """Adjust p-values (T,) so that comparing them with alpha bounds the chance of any false alarm by alpha.

    Source: Holm, "A simple sequentially rejective multiple test procedure", 1979. The tests may depend on one
    another. A test without a p-value (nan) stays so and does not count.
    """
    p = np.asarray(p, np.float64)
    adjusted = np.full(len(p), np.nan)
    order = np.argsort(p)[: np.isfinite(p).sum()]  # nan come last
    steps = np.arange(len(order), 0, -1) * p[order]
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted


def p_value_bound(exceedances: Ints, shuffles: Ints) -> Floats:
    """Bound the p-values (T,) that infinitely many shuffles would give from above, with 95 % confidence.

    The bound is that of Clopper and Pearson, 1934, and never below the p-value (exceedances + 1) /
    (shuffles + 1). Where shuffling was stopped at a number of exceedances it is on the safe side.

    Args:
        exceedances: (T,) number of shuffles whose statistic was at least that of the true labels.
        shuffles: (T,) number of shuffles.
    """
    exceedances, shuffles = np.asarray(exceedances), np.asarray(shuffles)
    below = np.maximum(shuffles - exceedances, 1)
    return np.where(shuffles > exceedances, beta.ppf(_CONFIDENCE, exceedances + 1, below), 1.0)


def significant(exceedances: Ints, shuffles: Ints, alpha: float = ALPHA) -> np.ndarray:
    """Decide a family of permutation tests, (T,) bool.

    Holm's method is applied to the bounds of the p-values. Compared with the p-values themselves, that
    gives away a little power (a test needs `shuffles_needed` shuffles) for a decision that other random
    shuffles would confirm: with 19 shuffles none of which reads as much as the true labels, p is .05, but
    the labels may well belong to the 15 % highest of all.

    Args:
        exceedances: (T,) see `p_value_bound`.
        shuffles: (T,) number of shuffles of each test.
        alpha: chance of any false alarm, at most.
    """
    return holm(p_value_bound(exceedances, shuffles)) <= alpha


def shuffles_needed(tests: int, alpha: float = ALPHA) -> int:
    """Count the shuffles with which one test of a family can be significant, if none of them exceeds it.

    59 for one test, 598 for ten: about three times those that make the smallest p-value alpha / tests.

    Args:
        tests: size of the family.
        alpha: see `significant`.
    """
    return ceil(log(1 - _CONFIDENCE) / log(1 - alpha / tests))
