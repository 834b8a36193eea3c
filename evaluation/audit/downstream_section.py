"""Measure downstream classifiers on top of a representation, for the audit."""

from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd

from evaluation.audit.cache import Frames
from evaluation.audit.packed_readings import REPLICATES
from evaluation.audit.rows import AuditRows
from evaluation.audit.settings import SPLITS, AuditSettings
from evaluation.fairness.bias_sweep import bias_sweep_gaps, bias_sweep_slopes, sweep_bias
from evaluation.fairness.gap_changes import gap_changes, replicate_frame
from evaluation.fairness.predictions import Predictions
from evaluation.fairness.signed_gaps import pooled_rates, signed_gaps, summary
from evaluation.leakage.attribute_map import attribute_map
from evaluation.samples.arrays import Ints
from evaluation.samples.representations import Representations

_MEASURES = ("accuracy", "worst_group_accuracy", "tpr_gap", "equalised_odds_gap")
"""Measures of `signed_gaps.summary` that a representation is chosen by or shown with."""


def measure_downstream(one: Representations, group: str, _: AuditRows, settings: AuditSettings) -> Frames:
    """Measure the gaps of classifiers that were trained on biased samples.

    Returns:
        `downstream`, `signed_gaps`, `dose_response` and, of two biases or more, `dose_slopes`, on the test
        subjects; `REPLICATES`, by which representations are compared; and `candidates`, one row with
        `val_<measure>` and `test_<measure>` (see `choices`).
    """
    (name,) = one.embeddings
    assert settings.target is not None
    train, val, test = (np.flatnonzero(one.split == place) for place in range(len(SPLITS)))
    predictions = sweep_bias(
        one,
        name,
        settings.target,
        group,
        train_rows=train,
        val_rows=val,
        test_rows=test,
        balance=settings.balance,
        biases=sorted({settings.bias, *settings.biases}),
        draws=settings.downstream_draws,
        seed=settings.seed,
    )
    tested = {bias: predicted.test for bias, predicted in predictions.items()}
    at_bias = predictions[settings.bias]
    chosen_by = {
        **_measures("val", at_bias.val, one, group, val, settings),
        **_measures("test", at_bias.test, one, group, test, settings),
    }
    frames = {
        "downstream": pooled_rates(at_bias.test, settings.seed),
        "signed_gaps": signed_gaps(at_bias.test, settings.seed),
        "dose_response": bias_sweep_gaps(tested, settings.seed),
        REPLICATES: replicate_frame(tested, settings.seed),
        "candidates": pd.DataFrame([chosen_by]),
    }
    if len(tested) > 1:
        frames["dose_slopes"] = bias_sweep_slopes(tested, settings.seed)
    return frames


def compare_downstream(frame: pd.DataFrame) -> Frames:
    """Compare the classifiers on each representation with those on the first.

    Args:
        frame: rows of `replicate_frame` with `representation` and `attribute`, the attribute of the groups.

    Returns:
        `gap_changes`, see there, with `representation` and `attribute`; nothing of one representation.
    """
    first, *others = frame["representation"].unique()
    tables = []
    for name, group in product(others, frame["attribute"].unique()):
        of_group = frame[frame["attribute"] == group]
        before, after = (of_group[of_group["representation"] == x] for x in (first, name))
        tables.append(gap_changes(before, after).assign(representation=name, attribute=group))
    return {"gap_changes": pd.concat(tables, ignore_index=True)} if tables else {}


def _measures(
    part: str, predictions: Predictions, one: Representations, group: str, rows: Ints, settings: AuditSettings
) -> dict[str, float]:
    """Summarise the predictions, and measure the leakage of the group from `rows` by one fast attacker."""
    alone = replace(one, labels={group: one.labels[group]}, classes={group: one.classes[group]})
    leakage = attribute_map(alone, rows, settings.folds, settings.seed)  # nan with too few subjects
    found = summary(predictions)
    measures = {name: found[name] for name in _MEASURES} | {"leakage": leakage["balanced_accuracy"].item()}
    return {f"{part}_{name}": value for name, value in measures.items()}
