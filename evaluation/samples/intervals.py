"""Confidence intervals of proportions."""

from scipy.stats import binomtest


def wilson_interval(hits: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Compute the Wilson score interval of a proportion; (nan, nan) without trials."""
    if trials == 0:
        return float("nan"), float("nan")
    interval = binomtest(int(hits), int(trials)).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)
