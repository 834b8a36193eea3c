"""Choose the settings of class matching on validation subjects, by a bound on the verification loss."""

from collections.abc import Sequence
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from rich.progress import track

from evaluation.erasers.choice import ChosenEraser, loss_interval, validation_rows, verification_auc
from evaluation.erasers.matching import Matching
from evaluation.erasers.matching_fit import check_rows, check_settings, fit_matching
from evaluation.erasers.quick_leakage import halves_of, quick_leakage
from evaluation.erasers.transport_fit import labelled_rows
from evaluation.samples.labelled_samples import Samples, subjects_of

DIMENSIONS = (24,)
WEIGHTS = (300.0, 1000.0, 3000.0, 10_000.0)


class _Found(NamedTuple):
    """A candidate within the bound."""

    eraser: Matching
    settings: str
    loss: float
    leakage: float


def choose_matching(
    train: Samples,
    validation: Samples,
    bound: float,
    *,
    dimensions: Sequence[int] = DIMENSIONS,
    weights: Sequence[float] = WEIGHTS,
    components: int = 128,
    hidden: int = 512,
    steps: int = 1500,
    seed: int = 0,
) -> ChosenEraser:
    """Train every candidate, and choose the least readable one of those whose verification loss is bounded.

    Attackers, and what they learn from, are those of `choose_transport`.

    Args:
        train: embeddings, labels and subjects that the encoders learn from.
        validation: those that decide, of other subjects.
        bound: largest loss of AUC of the cosine over all pairs of validation samples.
        dimensions: candidates.
        weights: candidates.
        components: see `fit_matching`; the other settings, too.
        hidden: width of the hidden layer.
        steps: training steps of each candidate.
        seed: of the training, and of the halves of the validation subjects.

    Raises:
        ValueError: as `choose_transport`, or see `fit_matching`.
    """
    pairs = list(product(np.atleast_1d(dimensions).tolist(), np.atleast_1d(weights).tolist()))
    if not pairs:
        raise ValueError("dimensions and weights need a candidate each")
    for width, weight in pairs:
        check_settings(width, weight, components, hidden, steps)
    rows = labelled_rows(train.embedding, train.label, train.identity)
    check_rows(rows)
    prepared = validation_rows(train, validation, rows.names)
    known = prepared.label >= 0
    halves_of(prepared.label[known], prepared.subjects[known], seed)
    fit = partial(
        fit_matching, train.embedding, train.label, subjects_of(train), components=components, hidden=hidden,
        steps=steps, seed=seed,
    )  # fmt: skip
    table: list[dict[str, Any]] = []
    best: _Found | None = None
    for width, weight in track(pairs, description="matching classes", transient=True):
        row: dict[str, Any] = {"dimensions": width, "weight": weight}
        table.append(row)
        try:
            eraser = fit(dimensions=width, weight=weight)
        except ValueError as error:
            row["left_out"] = str(error)
            continue
        w = eraser(prepared.unit)
        row["auc_loss"] = loss = prepared.auc - verification_auc(w, prepared.subjects)
        if not loss <= bound:
            row["left_out"] = f"its verification loss is {loss:.4f}"
            continue
        seen = (eraser(rows.unit), rows.label)
        reading = quick_leakage(seen, w, prepared.label, prepared.subjects, seed)
        row |= {**reading._asdict(), "left_out": ""}
        if best is None or reading.leakage < best.leakage:
            settings = f"{width} dimensions, weight {weight:g}"
            best = _Found(eraser, settings, loss, reading.leakage)
    if best is None:
        reasons = "; ".join(f"weight {x['weight']:g} of {x['dimensions']}: {x['left_out']}" for x in table)
        raise ValueError(f"no setting has a verification loss of at most {bound:g}: {reasons}")
    columns = ["dimensions", "weight", "auc_loss", "leakage", "attacker", "left_out"]
    candidates = pd.DataFrame(table).reindex(columns=columns).sort_values("leakage", ignore_index=True)
    interval = loss_interval(prepared.unit, best.eraser(prepared.unit), prepared.subjects, seed)
    return ChosenEraser(best.eraser, best.settings, candidates, best.loss, interval)
