"""Signed gaps between two groups, with intervals.

The interval of an absolute difference (as of fairlearn's `MetricFrame.difference`) cannot contain 0, so it
cannot show that two groups may be treated alike. These are intervals of the difference itself.
"""

import numpy as np
import pandas as pd

from evaluation.fairness.group_rates import RATES, fairness_gaps
from evaluation.fairness.predictions import Predictions
from evaluation.fairness.resampled_rates import resampled_rates
from evaluation.samples.arrays import Floats
from evaluation.samples.subject_bootstrap import percentile_interval

MEASURES = ("tpr", "fpr", "accuracy", "selection_rate", "auc")


def resampled_gaps(predictions: Predictions, seed: int = 0) -> dict[str, Floats]:
    """Compute group 1 minus group 0 in each of `MEASURES`, (1 + R,): as it is, then in the R replicates."""
    rates = resampled_rates(predictions, seed)
    return {measure: np.diff(rates[measure])[:, 0] for measure in MEASURES}


def signed_gaps(predictions: Predictions, seed: int = 0) -> pd.DataFrame:
    """Compute group 1 minus group 0 in each measure, over all draws.

    Args:
        predictions: of all draws.
        seed: seed of the bootstrap.

    Returns:
        One row for each of `MEASURES`: `measure`, `gap` in [-1, 1], and `low` and `high`, its 95 % interval
        over subjects and draws (see `resampled_rates`).
    """
    rows = []
    for measure, gaps in resampled_gaps(predictions, seed).items():
        low, high = percentile_interval(gaps[1:])
        rows.append({"measure": measure, "gap": gaps[0], "low": low, "high": high})
    return pd.DataFrame(rows)


def pooled_rates(predictions: Predictions, seed: int = 0) -> pd.DataFrame:
    """Compute the rates of each group over all draws, in the columns of `group_rates.group_table`.

    Args:
        predictions: of all draws.
        seed: seed of the bootstrap.

    Returns:
        One row for `all samples` and one for each group: `group`, `n` (predictions), and `<rate>`,
        `<rate>_low`, `<rate>_high` for each of `RATES` and `auc`, with the 95 % intervals of
        `resampled_rates`.
    """
    names = ("all samples", *predictions.groups)
    sizes = np.bincount(predictions.group)
    columns: dict[str, object] = {"group": names, "n": [sizes.sum(), *sizes]}
    overall, by_group = resampled_rates(predictions, seed, by_group=False), resampled_rates(predictions, seed)
    for rate in (*RATES, "auc"):
        values = np.hstack([overall[rate], by_group[rate]])
        columns[rate] = values[0]
        ends = [percentile_interval(replicates) for replicates in values[1:].T]
        columns[f"{rate}_low"], columns[f"{rate}_high"] = zip(*ends, strict=True)
    return pd.DataFrame(columns)


def summary(predictions: Predictions) -> dict[str, float]:
    """Compute the measures that candidates are chosen by (`evaluation.fairness.selection`), over all draws.

    Returns:
        `accuracy` and `auc` of all samples, and `group_rates.fairness_gaps`: the gaps without sign,
        `equalised_odds_gap` and both definitions of equal opportunity among them.
    """
    overall = resampled_rates(predictions, replicates=0, by_group=False)
    counts = predictions.counts(np.zeros_like(predictions.draw), 1)[0]
    measures = {name: float(overall[name][0, 0]) for name in ("accuracy", "auc")}
    return measures | fairness_gaps(counts, positive=1)
