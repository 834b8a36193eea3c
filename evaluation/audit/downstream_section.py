"""How an audit measures whom a classifier on top of a representation serves."""

from dataclasses import replace

import numpy as np
import pandas as pd

from evaluation.audit.cache import Frames
from evaluation.audit.rows import AuditRows
from evaluation.audit.settings import SPLITS, AuditSettings
from evaluation.fairness.bias_sweep import dose_answers, dose_response, dose_slopes
from evaluation.fairness.predictions import Answers
from evaluation.fairness.signed_gaps import pooled_rates, signed_gaps, summary
from evaluation.leakage.attribute_map import attribute_map
from evaluation.samples.arrays import Ints
from evaluation.samples.representations import Representations

_MEASURES = ("accuracy", "worst_group_accuracy", "tpr_gap", "equalised_odds_gap")
"""Of `signed_gaps.summary`, those that a representation is chosen by or shown with."""


def measure_downstream(one: Representations, group: str, _: AuditRows, settings: AuditSettings) -> Frames:
    """Whom a classifier that was trained on biased samples serves.

    Returns:
        `downstream`, `signed_gaps`, `dose_response` and, of two biases or more, `dose_slopes`, all of the
        test people; and `candidates`, one row with `val_<measure>` and `test_<measure>` (see `choices`).
    """
    (name,) = one.embeddings
    assert settings.target is not None
    train, val, test = (np.flatnonzero(one.split == place) for place in range(len(SPLITS)))
    answers = dose_answers(
        one,
        name,
        settings.target,
        group,
        train_rows=train,
        val_rows=val,
        test_rows=test,
        balance=settings.balance,
        doses=sorted({settings.bias, *settings.biases}),
        draws=settings.downstream_draws,
        seed=settings.seed,
    )
    tested = {dose: answered.test for dose, answered in answers.items()}
    at_bias = answers[settings.bias]
    chosen_by = {
        **_measures("val", at_bias.val, one, group, val, settings),
        **_measures("test", at_bias.test, one, group, test, settings),
    }
    frames = {
        "downstream": pooled_rates(at_bias.test, settings.seed),
        "signed_gaps": signed_gaps(at_bias.test, settings.seed),
        "dose_response": dose_response(tested, settings.seed),
        "candidates": pd.DataFrame([chosen_by]),
    }
    if len(tested) > 1:
        frames["dose_slopes"] = dose_slopes(tested, settings.seed)
    return frames


def _measures(
    part: str, answers: Answers, one: Representations, group: str, rows: Ints, settings: AuditSettings
) -> dict[str, float]:
    """What the answers are worth, and what a fast attacker reads of the group among people of `rows`."""
    alone = replace(one, labels={group: one.labels[group]}, classes={group: one.classes[group]})
    read = attribute_map(alone, rows, settings.folds, settings.seed)  # nan where people are too few
    found = summary(answers)
    measures = {name: found[name] for name in _MEASURES} | {"leakage": read["balanced_accuracy"].item()}
    return {f"{part}_{name}": value for name, value in measures.items()}
