"""Interval of the largest difference between groups."""

from itertools import combinations

import numpy as np

from evaluation.samples.arrays import Floats

_UNDEFINED = 0.05  # share of draws without a figure beyond which there is no interval


def largest_difference_interval(values: Floats, drawn: Floats) -> tuple[float, float]:
    """Compute the 95 % interval of the largest minus the smallest of the figures of G groups.

    The interval contains 0 where the groups may be alike, which percentiles of the largest difference never
    do, as it is above 0 in every draw. All pairwise differences get simultaneous intervals, whose width is
    the same multiple of their standard errors: the 95 % quantile of the largest deviation of any pair in a
    draw, in standard errors (bootstrap max-t; Westfall and Young, "Resampling-based multiple testing", 1993).
    The largest difference lies between the largest of the lower and the largest of the upper ends.

    Args:
        values: (G,) figures; nan for a group that is left out.
        drawn: (R, G) the same in draws of the subjects.

    Returns:
        Both ends, the lower one at least 0; (nan, nan) with fewer than two groups, without draws, where no
        difference varies, or where a figure is undefined in more than 5 % of the draws.
    """
    known = np.flatnonzero(np.isfinite(values))
    if len(known) < 2 or not len(drawn):
        return np.nan, np.nan
    kept = drawn[np.isfinite(drawn[:, known]).all(1)][:, known]
    if len(kept) < (1 - _UNDEFINED) * len(drawn):
        return np.nan, np.nan
    first, second = np.array(list(combinations(range(len(known)), 2))).T
    difference = values[known][first] - values[known][second]
    deviation = kept[:, first] - kept[:, second] - difference
    error = deviation.std(0)
    if not error.all():
        return np.nan, np.nan
    width = np.quantile((np.abs(deviation) / error).max(1), 0.95) * error
    return max(float((np.abs(difference) - width).max()), 0.0), float((np.abs(difference) + width).max())
