"""Compare classifiers on two representations: how accuracy and the gaps between groups change."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from evaluation.fairness.predictions import Predictions
from evaluation.fairness.resampled_rates import resampled_rates
from evaluation.fairness.signed_gaps import resampled_gaps
from evaluation.samples.subject_bootstrap import percentile_interval

OVERALL = "overall accuracy"
"""Measure of all samples; the others of a frame are gaps, see `signed_gaps.MEASURES`."""

_SAME = ["bias", "measure"]


def replicate_frame(predictions: Mapping[float, Predictions], seed: int = 0) -> pd.DataFrame:
    """Compute the overall accuracy and each gap, as they are and in bootstrap replicates.

    Args:
        predictions: by bias, for test samples.
        seed: seed of the replicates, which are the same for predictions for the same subjects.

    Returns:
        One row for each bias and measure: `bias`, `measure`, and `replicates`, (1 + R,) float64 as bytes.
    """
    rows = []
    for bias, predicted in predictions.items():
        pooled = resampled_rates(predicted, seed, by_group=False)["accuracy"][:, 0]
        for measure, values in ({OVERALL: pooled} | resampled_gaps(predicted, seed)).items():
            rows.append({"bias": bias, "measure": measure, "replicates": np.float64(values).tobytes()})
    return pd.DataFrame(rows)


def gap_changes(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Compute the change from one representation to another, with its paired interval.

    Args:
        before: `replicate_frame` of classifiers on the first representation.
        after: the same on another, for the same test subjects and draws.

    Returns:
        One row for each bias and measure that both have: `bias`, `measure`, `before`, `after`; `change`,
        after minus before, with `low` and `high`, its 95 % interval over subjects and draws; and `ratio`,
        after over before, with `ratio_low` and `ratio_high`, nan where the interval before holds 0.
    """
    rows = []
    for one in before.merge(after, on=_SAME, suffixes=("_before", "_after")).itertuples():
        x, y = (np.frombuffer(part, np.float64) for part in (one.replicates_before, one.replicates_after))
        low, high = percentile_interval((y - x)[1:])
        row = {"bias": one.bias, "measure": one.measure, "before": x[0], "after": y[0]}
        row |= {"change": y[0] - x[0], "low": low, "high": high}
        ratio = np.full(3, np.nan)
        first, last = percentile_interval(x[1:])
        if first > 0 or last < 0:
            ratio[0] = y[0] / x[0]
            ratio[1:] = percentile_interval(np.divide(y, x, out=np.full_like(y, np.nan), where=x != 0)[1:])
        rows.append(row | dict(zip(("ratio", "ratio_low", "ratio_high"), ratio, strict=True)))
    return pd.DataFrame(rows)
