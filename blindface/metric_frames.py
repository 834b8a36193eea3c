"""A bridge to fairlearn's MetricFrame."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from blindface.label_columns import as_column


def metric_frame(
    y_true: Any,
    y_pred: Any,
    groups: Mapping[str, Any],
    metrics: Mapping[str, Callable[..., float]] | None = None,
) -> Any:
    """Compare metrics of predictions between groups.

    Args:
        y_true: (N,) true classes.
        y_pred: (N,) predicted classes.
        groups: name -> (N,) group of each sample; samples with an unknown one (None, NaN) are left out.
        metrics: name -> function of (y_true, y_pred); None takes count, accuracy and, for classes 0 and 1,
            selection rate, true and false positive rate.

    Returns:
        fairlearn's `MetricFrame`, with `overall`, `by_group` and `difference()`.

    Raises:
        ValueError: arrays of different lengths.
        ImportError: fairlearn is not installed.
    """
    try:
        from fairlearn import metrics as fairlearn
    except ImportError as error:
        raise ImportError("metric_frame needs fairlearn: pip install fairlearn") from error
    from sklearn.metrics import accuracy_score

    rows = len(y_true)
    true, predicted = as_column(y_true, "y_true", rows), as_column(y_pred, "y_pred", rows)
    columns = pd.DataFrame({name: as_column(values, name, rows) for name, values in groups.items()})
    known = columns.notna().all(axis=1)
    if metrics is None:
        metrics = {"count": fairlearn.count, "accuracy": accuracy_score}
        if set(true.unique()) <= {0, 1}:
            metrics |= {
                "selection_rate": fairlearn.selection_rate,
                "true_positive_rate": fairlearn.true_positive_rate,
                "false_positive_rate": fairlearn.false_positive_rate,
            }
    return fairlearn.MetricFrame(
        metrics=dict(metrics),
        y_true=true[known],
        y_pred=predicted[known],
        sensitive_features=columns[known],
    )
