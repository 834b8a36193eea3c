"""P-values of permutation tests: sequential stopping, Holm's method, a margin for the number of shuffles."""

from math import ceil, log

import numpy as np

from evaluation.samples.arrays import Floats

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


def shuffles_needed(tests: int, alpha: float = ALPHA) -> int:
    """Count the shuffles that a significant result of a family of tests needs.

    So many that, if no statistic of a shuffle reaches that of the true labels, the p-value of infinitely many
    shuffles is below alpha / tests with 95 % confidence (Clopper and Pearson, 1934): 59 for one test, 598 for
    ten, about three times those that make the smallest p-value alpha / tests. With 19 shuffles p may be .05
    where others would give .15.

    Args:
        tests: size of the family.
        alpha: chance of any false alarm, at most.
    """
    return ceil(log(1 - _CONFIDENCE) / log(1 - alpha / tests))
