"""How an audit calls each measure: with one representation, an attribute or None, the rows and settings."""

from dataclasses import replace

import numpy as np
import pandas as pd
import torch

from evaluation.attacks.attribute_map import attribute_map
from evaluation.attacks.information import description_length, usable_information
from evaluation.attacks.permutation_test import permutation_test
from evaluation.attacks.suppression import suppression
from evaluation.audit.cache import Frames
from evaluation.audit.rows import AuditRows, choose_attributes
from evaluation.audit.settings import SPLITS, AuditSettings
from evaluation.downstream.dose_response import dose_answers, dose_response
from evaluation.downstream.signed_gaps import pooled_rates, signed_gaps
from evaluation.embedding_health import effective_rank, scale
from evaluation.leakage import leakage
from evaluation.pairs.demographic_rates import demographic_rates
from evaluation.pairs.pair_scores import score_pairs
from evaluation.pairs.pair_tiles import Metric
from evaluation.plots.embedding_plot import sample_rows, tsne_points
from evaluation.plots.head_features import head_features
from evaluation.probe_families import Floats, Ints
from evaluation.representations import Representations

_METRICS: tuple[Metric, ...] = ("cosine", "euclidean")


def measure_leakage(one: Representations, attribute: str, rows: AuditRows, settings: AuditSettings) -> Frames:
    """What every attacker reads."""
    (name,) = one.embeddings
    table = leakage(
        one.samples(name, attribute, rows.tested),
        attackers=settings.attackers,
        scalings=("standardised", "raw") if settings.raw else ("standardised",),
        folds=settings.folds,
        repeats=settings.repeats,
        tune=settings.tune,
        extra=one.samples(name, attribute, rows.extra) if len(rows.extra) else None,
        max_samples=settings.max_samples,
        seed=settings.seed,
    )
    return {"leakage": table}


def measure_permutations(
    one: Representations, attribute: str, rows: AuditRows, settings: AuditSettings
) -> Frames:
    """Whether anything is read above chance."""
    (name,) = one.embeddings
    samples = one.samples(name, attribute, rows.tested)
    result = permutation_test(samples, settings.permutations, settings.folds, settings.seed)
    row = {
        "statistic": result.statistic,
        "p_value": result.p_value,
        "permutations": settings.permutations,
        "null_mean": result.null.mean(),
        "null_high": np.quantile(result.null, 0.95),
        "scheme": result.scheme,
        "n": result.n,
        "people": result.people,
    }
    return {"permutation": pd.DataFrame([row])}


def measure_information(
    one: Representations, attribute: str, rows: AuditRows, settings: AuditSettings
) -> Frames:
    """Bits."""
    (name,) = one.embeddings
    samples = one.samples(name, attribute, rows.tested)
    return {
        "information": usable_information(samples, settings.folds, settings.seed),
        "description_length": description_length(samples, seed=settings.seed),
    }


def measure_suppression(
    one: Representations, attribute: str, rows: AuditRows, settings: AuditSettings
) -> Frames:
    """What is read without some of the features."""
    (name,) = one.embeddings
    samples = one.samples(name, attribute, rows.tested)
    return {"suppression": suppression(samples, draws=settings.suppression_draws, seed=settings.seed)}


def measure_health(one: Representations, _: None, rows: AuditRows, settings: AuditSettings) -> Frames:
    """Whether the representation has collapsed."""
    (name,) = one.embeddings
    x = torch.from_numpy(np.asarray(one.embeddings[name][rows.tested]))
    row = {
        "samples": len(x),
        "dimensions": x.shape[1],
        "scale": scale(x),
        "effective_rank": effective_rank(x),
    }
    return {"health": pd.DataFrame([row])}


def measure_verification(one: Representations, _: None, rows: AuditRows, settings: AuditSettings) -> Frames:
    """How well people are told apart."""
    (name,) = one.embeddings
    x, identity = one.embeddings[name][rows.tested], one.identity[rows.tested]
    found: dict[str, list[pd.DataFrame]] = {
        "verification": [],
        "verification_curve": [],
        "verification_histogram": [],
    }
    for metric in _METRICS:
        scores = score_pairs(x, identity, metric, seed=settings.seed)
        for kind, frame in zip(found, (scores.summary(), scores.rates(), scores.histogram()), strict=True):
            found[kind].append(frame.assign(metric=metric))
    return {kind: pd.concat(frames, ignore_index=True) for kind, frames in found.items()}


def measure_map(one: Representations, _: None, rows: AuditRows, settings: AuditSettings) -> Frames:
    """Every attribute."""
    every = choose_attributes(one, replace(settings, sensitive=None), rows.tested)[0]
    names = [*dict.fromkeys([*(settings.sensitive or ()), *every])]
    some = replace(one, labels={k: one.labels[k] for k in names}, classes={k: one.classes[k] for k in names})
    table = attribute_map(some, rows.tested, settings.folds, settings.seed)
    return {"attribute_map": table.drop(columns="representation")}  # equal embeddings may go by two names


def measure_demographics(
    one: Representations, group: str, rows: AuditRows, settings: AuditSettings
) -> Frames:
    """Whom verification errs with."""
    (name,) = one.embeddings
    x, identity = one.embeddings[name][rows.tested], one.identity[rows.tested]
    label, names = one.labels[group][rows.tested], one.classes[group]
    rates, apart = demographic_rates(x, identity, label, settings.fmr_target, names=names)
    return {"demographic_rates": rates, "demographic_differentials": apart}


def measure_downstream(one: Representations, group: str, _: AuditRows, settings: AuditSettings) -> Frames:
    """Whom a classifier that was trained on biased samples serves."""
    (name,) = one.embeddings
    assert settings.target is not None
    rows = {f"{split}_rows": np.flatnonzero(one.split == place) for place, split in enumerate(SPLITS)}
    answers = dose_answers(
        one,
        name,
        settings.target,
        group,
        train_rows=rows["train_rows"],
        val_rows=rows["val_rows"],
        test_rows=rows["test_rows"],
        doses=sorted({settings.bias, *settings.biases}),
        draws=settings.downstream_draws,
        seed=settings.seed,
    )
    return {
        "downstream": pooled_rates(answers[settings.bias], settings.seed),
        "signed_gaps": signed_gaps(answers[settings.bias], settings.seed),
        "dose_response": dose_response(answers, settings.seed),
    }


def measure_tsne(one: Representations, _: None, rows: AuditRows, settings: AuditSettings) -> Frames:
    """A map of some samples, the same of every representation."""
    (name,) = one.embeddings
    some = rows.tested[sample_rows(len(rows.tested), settings.seed, settings.tsne)]
    return _map_of(one.embeddings[name][some], some, one, settings.seed, "tsne")


def measure_head_tsne(
    one: Representations, attribute: str, rows: AuditRows, settings: AuditSettings
) -> Frames:
    """A map of what a classifier of the attribute makes of the same samples before it decides.

    It learns from the training people, who are not on the map.
    """
    (name,) = one.embeddings
    some = rows.tested[sample_rows(len(rows.tested), settings.seed, settings.tsne)]
    features = head_features(one.embeddings[name], one.labels[attribute], one.split == 0, settings.seed)
    return _map_of(features[some], some, one, settings.seed, "tsne_head")


def _map_of(x: Floats, some: Ints, one: Representations, seed: int, section: str) -> Frames:
    if len(x) < 4 or not np.ptp(x, axis=0).any():
        return {}  # nothing to see; the warnings say why
    points = tsne_points(x, seed)
    labels = {f"label.{attribute}": label[some] for attribute, label in one.labels.items()}
    return {section: pd.DataFrame({"sample": some, "x": points[:, 0], "y": points[:, 1], **labels})}
