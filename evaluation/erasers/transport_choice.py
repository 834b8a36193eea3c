"""Choose the settings of transport and blur on validation subjects, by a bound on the verification loss."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from evaluation.erasers.choice import (
    ChosenEraser,
    Validation,
    loss_interval,
    validation_rows,
    verification_auc,
)
from evaluation.erasers.keyed_noise import draw_key, embedding_contents
from evaluation.erasers.quick_leakage import QuickReading, quick_leakage
from evaluation.erasers.router import Router, fit_router
from evaluation.erasers.transport import Transport
from evaluation.erasers.transport_fit import (
    ERASURES,
    Erasure,
    KnownRows,
    class_maps,
    labelled_rows,
    leace_maps,
    principal_axes,
)
from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.labelled_samples import Samples

COMPONENTS = (16, 24, 32, 64, 128, 256)
SIGMAS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


class _Found(NamedTuple):
    """A candidate, its verification loss, and the strongest attacker of it."""

    eraser: Transport
    loss: float
    reading: QuickReading


@dataclass(frozen=True, eq=False)
class _Trial:
    """Shared by the candidates: components and router of the training rows, and the validation rows."""

    rows: KnownRows
    validation: Validation
    contents: tuple[list[bytes], list[bytes]]
    mean: Floats
    axes: Floats
    router: Router | None
    routes: tuple[Ints, Ints]
    key: str

    def run(self, erasure: Erasure, count: int, sigmas: Sequence[float], bound: float, seed: int) -> _Found:
        """Fit a candidate with the strongest noise within the bound; raise ValueError if there is none."""
        if count > self.axes.shape[1]:
            raise ValueError(f"the embeddings have {self.axes.shape[1]} components")
        axes = self.axes[:, :count]
        v = [(unit - self.mean) @ axes for unit in (self.rows.unit, self.validation.unit)]
        if erasure == "leace":
            maps, left = leace_maps(v[0], self.rows)
            eraser = Transport(self.mean, axes, *maps, None, 0, self.key, left)
            z = [eraser.mapped(part, np.zeros(len(part), np.int64)) for part in v]
        else:
            maps = class_maps(v[0], self.routes[0], self.rows.names)
            eraser = Transport(self.mean, axes, *maps, self.router, 0, self.key)
            z = [eraser.mapped(part, routes) for part, routes in zip(v, self.routes, strict=True)]
        losses = {}
        for sigma in sigmas:
            w = replace(eraser, sigma=sigma).blurred(z[1], self.contents[1])
            losses[sigma] = self.validation.auc - verification_auc(w, self.validation.subjects)
        within = [sigma for sigma, loss in losses.items() if loss <= bound]
        if not within:
            raise ValueError(f"its verification loss is at least {min(losses.values()):.4f}")
        eraser = replace(eraser, sigma=max(within))
        seen, w = (eraser.blurred(part, names) for part, names in zip(z, self.contents, strict=True))
        reading = quick_leakage(
            (seen, self.rows.label), w, self.validation.label, self.validation.subjects, seed
        )
        return _Found(eraser, losses[eraser.sigma], reading)


def choose_transport(
    train: Samples,
    validation: Samples,
    bound: float,
    *,
    components: Sequence[int] = COMPONENTS,
    sigmas: Sequence[float] = SIGMAS,
    erasures: Sequence[Erasure] = ERASURES,
    key: str | None = None,
    folds: int = 4,
    steps: int = 1500,
    max_points: int = 10_000,
    seed: int = 0,
) -> ChosenEraser:
    """Fit every candidate, and choose the least readable one of those whose verification loss is bounded.

    For each erasure and number of components the strongest noise is taken whose loss of AUC, of the cosine
    over all pairs of validation samples, is at most `bound`. Of these the one is chosen that the strongest
    of three attackers reads least. The attackers learn from half of the validation subjects, alone or with
    the training subjects, and are tested on the other half.

    Args:
        train: embeddings, labels and subjects that the erasers learn from.
        validation: those that decide, of other subjects.
        bound: largest loss of AUC.
        components: candidates; more than the embeddings have are left out.
        sigmas: candidates.
        erasures: candidates.
        key: see `fit_transport`; the other settings, too.
        folds: of the router.
        steps: of the router.
        max_points: of the router.
        seed: of the router, and of the halves of the validation subjects.

    Raises:
        ValueError: subjects of both sets, validation without pairs of one subject, no candidate within the
            bound (says the least loss), or see `fit_transport`.
    """
    router_settings = {"folds": folds, "steps": steps, "max_points": max_points, "seed": seed}
    trial = _prepare(train, validation, "transport" in erasures, max(components), key, router_settings)
    table, best = [], None
    for erasure, count in product(erasures, components):
        row: dict[str, Any] = {"erasure": erasure, "components": count}
        try:
            found = trial.run(erasure, count, sigmas, bound, seed)
        except ValueError as error:
            table.append({**row, "left_out": str(error)})
            continue
        row |= {"sigma": found.eraser.sigma, "auc_loss": found.loss, **found.reading._asdict()}
        table.append({**row, "left_out": ""})
        if best is None or found.reading.leakage < best.reading.leakage:
            best = found
    if best is None:
        reasons = "; ".join(f"{x['erasure']} of {x['components']} components: {x['left_out']}" for x in table)
        raise ValueError(f"no setting has a verification loss of at most {bound:g}: {reasons}")
    columns = ["erasure", "components", "sigma", "auc_loss", "leakage", "attacker", "left_out"]
    candidates = pd.DataFrame(table).reindex(columns=columns).sort_values("leakage", ignore_index=True)
    of = trial.validation
    interval = loss_interval(of.unit, best.eraser(validation.embedding), of.subjects, seed)
    erasure, count = ("leace" if best.eraser.router is None else "transport"), best.eraser.axes.shape[1]
    settings = f"{erasure}, {count} components, sigma {best.eraser.sigma:g}"
    return ChosenEraser(best.eraser, settings, candidates, best.loss, interval)


def _prepare(
    train: Samples, validation: Samples, routed: bool, most: int, key: str | None, settings: dict[str, int]
) -> _Trial:
    """Fit what the candidates share."""
    rows = labelled_rows(train.embedding, train.label, train.identity)
    prepared = validation_rows(train, validation, rows.names)
    mean, axes = principal_axes(train.embedding, min(most, *np.shape(train.embedding)))
    router = fit_router(rows.unit, rows.label, rows.subjects, **settings) if routed else None
    parts = (rows.unit, prepared.unit)
    routes = [np.zeros(len(part), np.int64) if router is None else router(part) for part in parts]
    known = np.asarray(train.embedding)[np.asarray(train.label) >= 0]
    contents = (embedding_contents(known), embedding_contents(validation.embedding))
    drawn = draw_key() if key is None else key
    return _Trial(rows, prepared, contents, mean, axes, router, (routes[0], routes[1]), drawn)
