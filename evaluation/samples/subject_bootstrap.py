"""The bootstrap over subjects.

Images of one subject are not independent, so a replicate draws whole subjects with replacement and takes all
samples of each as often as the subject was drawn.
"""

from collections.abc import Callable

import numpy as np
from scipy.stats import norm

from evaluation.samples.arrays import Floats, Ints

REPLICATES = 1000


def bootstrap_interval(
    statistic: Callable[[Ints], float], subjects: int, seed: int, replicates: int = REPLICATES
) -> tuple[float, float]:
    """Compute the 95 % percentile interval of a statistic over draws of the subjects.

    Args:
        statistic: maps the drawn subjects, (P,) indices with repetitions, to a number.
        subjects: their number P.
        seed: seed of the draws.
        replicates: number of draws.
    """
    rng = np.random.default_rng(seed)
    return percentile_interval(
        np.array([statistic(rng.integers(subjects, size=subjects)) for _ in range(replicates)])
    )


def draw_counts(rng: np.random.Generator, units: int, size: int | None = None) -> Floats:
    """Draw `size` units (None: as many as there are) with replacement, and count each, (units,)."""
    drawn = rng.integers(units, size=units if size is None else size)
    return np.bincount(drawn, minlength=units).astype(np.float64)


def draw_count_matrix(subjects: int, draws: int, seed: int) -> Floats:
    """Count how often each subject is drawn in each of several draws, (draws, subjects), as one matrix.

    The distribution is that of `draw_counts`; the random numbers are not, and the published intervals of
    verification were computed with these.
    """
    rng = np.random.default_rng(seed)
    return rng.multinomial(subjects, np.full(subjects, 1 / subjects), size=draws).astype(np.float64)


def percentile_interval(replicates: Floats) -> tuple[float, float]:
    """Return the ends of the middle 95 % of the replicates (R,); undefined ones (nan) are left out."""
    low, high = np.nanquantile(replicates, [0.025, 0.975])
    return float(low), float(high)


def effective_subjects(trials: Floats) -> float:
    """Compute how many subjects of equal size tell as much as these, (sum of trials)^2 / sum of squares.

    Args:
        trials: (P,) trials of each subject; 0 for a subject without any.
    """
    return float(trials.sum() ** 2 / (trials**2).sum()) if trials.any() else 0.0


def share_interval(share: float, replicates: Floats, trials: Floats) -> tuple[float, float]:
    """Compute the 95 % Wilson interval of a share whose variance is that of bootstrap replicates.

    The number of trials of the Wilson formula is the number of independent trials that have this variance
    (Kish's effective sample size). Percentiles of the replicates are too narrow near 0 and 1, and of length 0
    at 0 and 1, where the number of trials is that of `effective_subjects`: a subject counts once.

    Args:
        share: the estimate, in [0, 1].
        replicates: (R,) the estimate in draws of the subjects; undefined ones (nan) are left out.
        trials: (P,) trials of each subject.

    Returns:
        Both ends; (nan, nan) where the share is undefined, fewer than three subjects have trials, or there
        are no replicates.
    """
    if np.isnan(share) or (trials > 0).sum() < 3 or not len(replicates):
        return np.nan, np.nan
    if 0 < share < 1:
        variance = max(float(np.nanvar(replicates)), 1e-12)
        n = min(share * (1 - share) / variance, float(trials.sum()))
    else:
        n = effective_subjects(trials)
    square = norm.ppf(0.975) ** 2 / n
    middle = (share + square / 2) / (1 + square)
    half = np.sqrt(square * share * (1 - share) + square**2 / 4) / (1 + square)
    low, high = float(middle - half), float(middle + half)
    return (low if share > 0 else 0.0), (high if share < 1 else 1.0)
