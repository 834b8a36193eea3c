"""The bootstrap over subjects.

Images of one subject are not independent, so a replicate draws whole subjects with replacement and takes all
samples of each as often as the subject was drawn.
"""

from collections.abc import Callable

import numpy as np

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


def draw_counts(rng: np.random.Generator, units: int) -> Floats:
    """Draw as many units as there are, with replacement, and count how often each was drawn, (units,)."""
    return np.bincount(rng.integers(units, size=units), minlength=units).astype(np.float64)


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
