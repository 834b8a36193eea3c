"""Choose the settings of class matching on validation subjects, by a bound on the verification loss."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from rich.progress import track

from evaluation.erasers.choice import ChosenEraser, loss_interval, validation_rows, verification_auc
from evaluation.erasers.matching_fit import fit_matching
from evaluation.erasers.quick_leakage import quick_leakage
from evaluation.erasers.transport_fit import labelled_rows
from evaluation.samples.labelled_samples import Samples, subjects_of

DIMENSIONS = (24,)
WEIGHTS = (300.0, 1000.0, 3000.0, 10_000.0)


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
    rows = labelled_rows(train.embedding, train.label, train.identity)
    prepared = validation_rows(train, validation, rows.names)
    fixed = {"components": components, "hidden": hidden, "steps": steps, "seed": seed}
    table: list[dict[str, Any]] = []
    erasers = []
    pairs = list(product(dimensions, weights))
    for width, weight in track(pairs, description="matching classes", transient=True):
        eraser = fit_matching(
            train.embedding, train.label, subjects_of(train), dimensions=width, weight=weight, **fixed
        )
        w = eraser(prepared.unit)
        loss = prepared.auc - verification_auc(w, prepared.subjects)
        row: dict[str, Any] = {"dimensions": width, "weight": weight, "auc_loss": loss}
        row |= {"leakage": np.nan, "left_out": f"its verification loss is {loss:.4f}"}
        if loss <= bound:
            reading = quick_leakage(
                (eraser(rows.unit), rows.label), w, prepared.label, prepared.subjects, seed
            )
            row |= {**reading._asdict(), "left_out": ""}
        table.append(row)
        erasers.append(eraser)
    columns = ["dimensions", "weight", "auc_loss", "leakage", "attacker", "left_out"]
    candidates = pd.DataFrame(table).reindex(columns=columns)
    if not (candidates["left_out"] == "").any():
        reasons = "; ".join(f"weight {x['weight']:g} of {x['dimensions']}: {x['left_out']}" for x in table)
        raise ValueError(f"no setting has a verification loss of at most {bound:g}: {reasons}")
    best = int(candidates["leakage"].idxmin())
    settings = f"{pairs[best][0]} dimensions, weight {pairs[best][1]:g}"
    interval = loss_interval(prepared.unit, erasers[best](prepared.unit), prepared.subjects, seed)
    ordered = candidates.sort_values("leakage", ignore_index=True)
    return ChosenEraser(erasers[best], settings, ordered, table[best]["auc_loss"], interval)
