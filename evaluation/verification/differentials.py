"""Summary figures of the inequality of verification errors between demographic groups.

All take the rates of G groups at one threshold. Groups whose rate is nan (no pairs) are left out; with fewer
than two left the figure is nan. So is a ratio whose smallest rate is 0, and a Gini coefficient of zeros
alone: a rate without observed errors says more about the number of pairs than about the group.
"""

from itertools import combinations

import numpy as np

from evaluation.samples.arrays import Floats

_NAN = float("nan")


def _seen(rates: Floats) -> Floats:
    return rates[~np.isnan(rates)]


def gap(rates: Floats) -> float:
    """Compute the largest minus the smallest rate."""
    rates = _seen(rates)
    return float(np.ptp(rates)) if len(rates) > 1 else _NAN


def ratio(rates: Floats) -> float:
    """Divide the largest rate by the smallest."""
    rates = _seen(rates)
    return float(rates.max() / rates.min()) if len(rates) > 1 and rates.min() > 0 else _NAN


def gini(rates: Floats) -> float:
    """Compute the Gini coefficient, corrected for few groups: 0 is equal, 1 is all errors in one group.

    n / (n - 1) * sum_ij |x_i - x_j| / (2 n^2 mean(x)), x the rates of n groups.
    """
    rates = _seen(rates)
    n = len(rates)
    if n < 2 or not rates.any():
        return _NAN
    spread = np.abs(rates[:, None] - rates).sum() / (2 * n**2 * rates.mean())
    return float(n / (n - 1) * spread)


def fdr(fmr: Floats, fnmr: Floats, alpha: float = 0.5) -> float:
    """Compute the fairness discrepancy rate: 1 - (alpha * gap of FMR + (1 - alpha) * gap of FNMR); 1 is fair.

    Source: Pereira and Marcel, "Fairness in biometrics: a figure of merit to assess biometric verification
    systems", IEEE T-BIOM 4(1), 2022. With a small FMR the gap of the FNMR decides nearly alone.
    """
    return 1 - (alpha * gap(fmr) + (1 - alpha) * gap(fnmr))


def garbe(fmr: Floats, fnmr: Floats, alpha: float = 0.5) -> float:
    """Compute the Gini aggregation rate for biometric equitability, 0 is fair.

    alpha * gini(FMR) + (1 - alpha) * gini(FNMR). Source: Howard, Laird, Rubin, Sirotin, Tipton and Vemury,
    "Evaluating proposed fairness models for face recognition algorithms", ICPR workshops 2022.
    """
    return alpha * gini(fmr) + (1 - alpha) * gini(fnmr)


def inequity_rate(fmr: Floats, fnmr: Floats, alpha: float = 0.5) -> float:
    """Compute the inequity rate, ratio of FMR ^ alpha * ratio of FNMR ^ (1 - alpha); 1 is fair.

    Source: Grother, "Face recognition vendor test, part 8: summarizing demographic differentials", NIST IR
    8429, 2022.
    """
    return float(ratio(fmr) ** alpha * ratio(fnmr) ** (1 - alpha))


def skewed_error_ratio(fmr: Floats, fnmr: Floats) -> float:
    """Divide the error of the worst group by that of the best, errors being means of FMR and FNMR; 1 is fair.

    Source: Wang and Deng, "Mitigating bias in face recognition using skewness-aware reinforcement learning",
    CVPR 2020, whose error is 1 - accuracy of as many genuine as impostor pairs.
    """
    return ratio((fmr + fnmr) / 2)


def n_sigma(mean: Floats, deviation: Floats) -> float:
    """Compute the largest distance between two groups' mean scores in standard deviations, 0 is fair.

    |m1 - m2| / sqrt((s1^2 + s2^2) / 2); physics calls a difference of 5 a discovery. After DeAlcala, Serna,
    Morales, Fierrez and Ortega-Garcia, "Measuring bias in AI models: an statistical approach introducing
    N-Sigma", CVPR workshops 2023; the formula is from memory, and taking both groups' deviations is our
    choice. nan without a spread.
    """
    known = ~np.isnan(mean)
    groups = list(zip(mean[known], deviation[known], strict=True))
    distances = [
        abs(m1 - m2) / np.sqrt((s1**2 + s2**2) / 2) if s1 or s2 else _NAN
        for (m1, s1), (m2, s2) in combinations(groups, 2)
    ]
    return float(np.max(distances)) if distances else _NAN
