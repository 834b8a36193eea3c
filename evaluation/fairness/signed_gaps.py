"""How far apart two groups are, which one is ahead, and how sure that is.

The interval of an absolute difference (as of fairlearn's `MetricFrame.difference`) cannot contain 0, so it
cannot say that the groups may be served alike. These are intervals of the difference itself.
"""

import numpy as np
import pandas as pd

from evaluation.fairness.group_rates import RATES, fairness_gaps
from evaluation.fairness.predictions import Answers
from evaluation.fairness.resampled_rates import interval, resampled_rates
from evaluation.samples.arrays import Floats

MEASURES = ("tpr", "fpr", "accuracy", "selection_rate", "auc")


def resampled_gaps(answers: Answers, seed: int = 0) -> dict[str, Floats]:
    """Group 1 minus group 0 in each of `MEASURES`, (1 + R,): as it is, then in the R replicates."""
    rates = resampled_rates(answers, seed)
    return {measure: np.diff(rates[measure])[:, 0] for measure in MEASURES}


def signed_gaps(answers: Answers, seed: int = 0) -> pd.DataFrame:
    """Group 1 minus group 0 in each measure, over all draws.

    Args:
        answers: of all draws.
        seed: of the bootstrap.

    Returns:
        One row for each of `MEASURES`: `measure`, `gap` in [-1, 1], and `low` and `high`, its 95 % interval
        over people and draws (see `resampled_rates`).
    """
    rows = []
    for measure, gaps in resampled_gaps(answers, seed).items():
        low, high = interval(gaps[1:])
        rows.append({"measure": measure, "gap": gaps[0], "low": low, "high": high})
    return pd.DataFrame(rows)


def pooled_rates(answers: Answers, seed: int = 0) -> pd.DataFrame:
    """The rates of each group over all draws, in the columns of `group_rates.group_table`.

    Args:
        answers: of all draws.
        seed: of the bootstrap.

    Returns:
        One row for `all samples` and one for each group: `group`, `n` (answers), and `<rate>`, `<rate>_low`,
        `<rate>_high` for each of `RATES` and `auc`, with the 95 % intervals of `resampled_rates`.
    """
    names = ("all samples", *answers.groups)
    sizes = np.bincount(answers.group)
    columns: dict[str, object] = {"group": names, "n": [sizes.sum(), *sizes]}
    overall, by_group = resampled_rates(answers, seed, by_group=False), resampled_rates(answers, seed)
    for rate in (*RATES, "auc"):
        values = np.hstack([overall[rate], by_group[rate]])
        columns[rate] = values[0]
        ends = [interval(replicates) for replicates in values[1:].T]
        columns[f"{rate}_low"], columns[f"{rate}_high"] = zip(*ends, strict=True)
    return pd.DataFrame(columns)


def summary(answers: Answers) -> dict[str, float]:
    """What candidates are chosen by (`evaluation.fairness.selection`), over all draws.

    Returns:
        `accuracy` and `auc` of all samples, and `group_rates.fairness_gaps`: the gaps without sign,
        `equalised_odds_gap` and both definitions of equal opportunity among them.
    """
    overall = resampled_rates(answers, replicates=0, by_group=False)
    counts = answers.counts(np.zeros_like(answers.draw), 1)[0]
    measures = {name: float(overall[name][0, 0]) for name in ("accuracy", "auc")}
    return measures | fairness_gaps(counts, positive=1)
