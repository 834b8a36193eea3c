"""Choose the settings of an eraser on validation subjects: what the choices of all methods share."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from evaluation.erasers.transport import unit_rows
from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.labelled_samples import Samples, known_subjects, subjects_of
from evaluation.samples.subject_bootstrap import percentile_interval
from evaluation.verification.all_pairs import verification
from evaluation.verification.pair_scores import score_pairs


class ChosenEraser(NamedTuple):
    """The eraser that the rule chose, and all candidates."""

    eraser: Any
    settings: str
    """Its settings, for the provenance."""
    candidates: pd.DataFrame
    """One row for each candidate, the least readable first: its settings; `auc_loss` and `leakage` (balanced
    accuracy of the strongest attacker) and `attacker`, nan where the bound leaves it out; `left_out`, the
    reason."""
    loss: float
    """Verification loss of the chosen one on the validation samples."""
    loss_interval: tuple[float, float]
    """Its 95 % interval, paired over the validation subjects; nan for fewer than three."""


class Validation(NamedTuple):
    """The validation samples that decide."""

    unit: Floats
    """(N, D) embeddings of length 1."""
    label: Ints
    """(N,) classes, numbered as those of the training samples; -1 unknown."""
    subjects: Ints
    """(N,) subject of each; each unknown one is one of its own."""
    auc: float
    """AUC of verification before the erasure."""


def validation_rows(train: Samples, validation: Samples, names: Ints) -> Validation:
    """Check and prepare the validation samples.

    Args:
        train: samples that the erasers learn from.
        validation: those that decide, of other subjects.
        names: (C,) labels of the training classes, ascending.

    Raises:
        ValueError: subjects of both sets, or validation without pairs of one subject.
    """
    if shared := len(np.intersect1d(known_subjects(train), known_subjects(validation))):
        raise ValueError(f"{shared} subjects are among the training and the validation samples")
    unit, subjects = unit_rows(np.asarray(validation.embedding, np.float64)), subjects_of(validation)
    before = verification_auc(unit, subjects)
    if np.isnan(before):
        raise ValueError("no two validation samples are of one subject, so verification cannot be measured")
    place = np.searchsorted(names, validation.label).clip(max=len(names) - 1)
    return Validation(unit, np.where(names[place] == validation.label, place, -1), subjects, before)


def loss_interval(before: Floats, after: Floats, subjects: Ints, seed: int) -> tuple[float, float]:
    """Compute the 95 % interval of the loss of verification AUC over subjects, who are drawn for both alike.

    Args:
        before: (N, D) embeddings.
        after: (N, k) embeddings of the same samples.
        subjects: (N,); negative ones are unknown.
        seed: seed of the draws.
    """
    known = np.maximum(subjects, -1)
    drawn = [score_pairs(x, known, seed=seed).drawn["auc"].to_numpy() for x in (before, after)]
    return percentile_interval(drawn[0] - drawn[1]) if len(drawn[0]) else (np.nan, np.nan)


def verification_auc(embedding: Floats, subjects: Ints) -> float:
    """Compute the AUC of the cosine over all pairs of embeddings (N, D); negative subjects are unknown."""
    return verification(torch.from_numpy(embedding), torch.from_numpy(np.maximum(subjects, -1))).auc
