"""Change of verification from one representation to another, with intervals paired over subjects."""

import pandas as pd

from evaluation.samples.subject_bootstrap import percentile_interval

MEASURES = ("auc", "eer")


def verification_change(verification: pd.DataFrame, drawn: pd.DataFrame, before: str) -> pd.DataFrame:
    """Compute the changes of AUC and EER, each with the interval of the difference.

    The same subjects are drawn for all representations, and the difference is taken within a draw. So its
    interval is narrower than two separate intervals suggest, which may overlap where the change is certain.

    Args:
        verification: `representation`, `metric`, `auc` and `eer`, see `PairScores.summary`.
        drawn: `representation`, `metric` and the columns of `PairScores.drawn`, of the same samples and seed;
            may be empty.
        before: representation that the others are compared with.

    Returns:
        One row for each other representation, metric and measure: `representation`, `metric`, `measure`,
        `before`, `after`, `difference` (after minus before) and its 95 % interval `difference_low` to
        `difference_high`; nan without draws.

    Raises:
        ValueError: the representations have different numbers of draws.
    """
    rows = []
    values = verification.set_index(["representation", "metric"])
    for (name, metric), after in values.iterrows():
        if name == before:
            continue
        draws = [drawn[(drawn["representation"] == x) & (drawn["metric"] == metric)] for x in (before, name)]
        if len(draws[0]) != len(draws[1]):
            raise ValueError(f"{before} has {len(draws[0])} draws of the subjects, {name} {len(draws[1])}")
        for measure in MEASURES:
            first = values.loc[(before, metric), measure]
            change = draws[1][measure].to_numpy() - draws[0][measure].to_numpy()
            low, high = percentile_interval(change) if len(change) else (float("nan"), float("nan"))
            rows.append(
                {
                    "representation": name,
                    "metric": metric,
                    "measure": measure,
                    "before": first,
                    "after": after[measure],
                    "difference": after[measure] - first,
                    "difference_low": low,
                    "difference_high": high,
                }
            )
    return pd.DataFrame(rows)
