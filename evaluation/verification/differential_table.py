"""Differentials between groups: their intervals over subjects, and those of groups without a difference."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from evaluation.samples.arrays import Floats, Ints
from evaluation.verification.contrast_interval import largest_difference_interval
from evaluation.verification.differentials import (
    fdr,
    gap,
    garbe,
    inequity_rate,
    ratio,
    skewed_error_ratio,
)
from evaluation.verification.group_errors import PairErrors
from evaluation.verification.group_shuffles import GroupShuffles

MEASURES: dict[str, Callable[[Floats, Floats], float]] = {
    "fmr_gap": lambda fmr, fnmr: gap(fmr),
    "fnmr_gap": lambda fmr, fnmr: gap(fnmr),
    "fmr_ratio": lambda fmr, fnmr: ratio(fmr),
    "fnmr_ratio": lambda fmr, fnmr: ratio(fnmr),
    "inequity_rate": inequity_rate,
    "fdr": fdr,
    "garbe": garbe,
    "skewed_error_ratio": skewed_error_ratio,
}
"""Measures by name, as functions of FMR and FNMR (G,)."""

_FAIR_IS_HIGH = ("fdr",)


def differential_table(
    errors: PairErrors, group: Ints, groups: int, *, draws: int = 1000, permutations: int = 999, seed: int = 0
) -> pd.DataFrame:
    """Measure how far apart the error rates of groups are, and whether groups by chance would be so too.

    The largest of several noisy rates exceeds the smallest even if the groups do not differ: four groups of
    20 subjects each have a mean ratio of FMR of about 4. So each measure is compared with those of groups
    that are shuffled over the subjects (see `group_shuffles`), which the threshold does not depend on.

    Args:
        errors: errors of all pairs of N samples at one threshold.
        group: (N,) groups, 0 to `groups` - 1.
        groups: number of groups.
        draws: draws of the subjects for the intervals; 0 for none.
        permutations: shuffles of the groups; 0 for none.
        seed: seed of the draws and shuffles.

    Returns:
        One row for each of `MEASURES`: `measure`; `value`; `low` and `high`, its 95 % interval over subjects
        (nan for `garbe`); `p_value`, how often shuffled groups are at least as far apart (those without a
        figure count as further apart), and `null_median` and `null_95`, what half and 95 of 100 shuffles do
        not exceed (do not fall below, for `fdr`); nan where shuffles without a figure are too many.
    """
    observed = errors.rates(group, groups)
    drawn = errors.drawn_rates(group, groups, draws, seed)
    shuffles, rng = GroupShuffles(errors.subject, group), np.random.default_rng(seed)
    shuffled = [errors.rates(shuffles.draw(rng), groups) for _ in range(permutations)]
    ends = _intervals(observed, drawn)
    rows = []
    for name, measure in MEASURES.items():
        value = measure(*observed)
        low, high = ends.get(name, (np.nan, np.nan))
        null = np.array([measure(*rates) for rates in shuffled])
        rows.append({"measure": name, "value": value, "low": low, "high": high} | _test(name, value, null))
    return pd.DataFrame(rows)


def _test(name: str, value: float, null: Floats) -> dict[str, float]:
    """Compare a value with those of shuffled groups."""
    if not len(null) or np.isnan(value):
        return {"p_value": np.nan, "null_median": np.nan, "null_95": np.nan}
    sign = -1 if name in _FAIR_IS_HIGH else 1
    far = np.where(np.isnan(null), np.inf, sign * null)
    beyond = int((far >= sign * value - 1e-12).sum())  # the same arrangement may differ by rounding
    within = sign * np.quantile(far, [0.5, 0.95], method="higher")
    median, high = np.where(np.isfinite(within), within, np.nan).tolist()
    return {"p_value": (1 + beyond) / (1 + len(null)), "null_median": median, "null_95": high}


def _intervals(observed: Floats, drawn: Floats) -> dict[str, tuple[float, float]]:
    """Compute the intervals of the measures that are made of differences and ratios of rates.

    Those of `fdr` and `inequity_rate` join the ends for FMR and FNMR, and so are wide rather than narrow.
    """
    gaps = [largest_difference_interval(observed[i], drawn[:, i]) for i in (0, 1)]
    ratios = [_ratio_interval(observed[i], drawn[:, i]) for i in (0, 1)]
    gap_low, gap_high = np.mean(gaps, 0).tolist()
    ratio_low, ratio_high = np.sqrt(np.prod(ratios, 0)).tolist()
    return {
        "fmr_gap": gaps[0],
        "fnmr_gap": gaps[1],
        "fmr_ratio": ratios[0],
        "fnmr_ratio": ratios[1],
        "inequity_rate": (ratio_low, ratio_high),
        "fdr": (1 - gap_high, 1 - gap_low),
        "skewed_error_ratio": _ratio_interval(observed.mean(0), drawn.mean(1)),
    }


def _ratio_interval(rates: Floats, drawn: Floats) -> tuple[float, float]:
    """Compute the interval of the largest divided by the smallest rate; (nan, nan) if one is 0."""
    if (rates == 0).any():
        return np.nan, np.nan
    with np.errstate(divide="ignore"):
        low, high = largest_difference_interval(np.log(rates), np.log(drawn))
    return float(np.exp(low)), float(np.exp(high))
