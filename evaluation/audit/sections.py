"""Measurements of an audit; each takes one representation, an attribute or None, the rows and settings."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import torch

from evaluation.audit.cache import Frames
from evaluation.audit.packed_readings import CORRECT, pack_correct
from evaluation.audit.rows import AuditRows, choose_attributes, unseen_crowd
from evaluation.audit.settings import AuditSettings
from evaluation.leakage.attribute_map import attribute_map
from evaluation.leakage.confident_leakage import confident_leakage
from evaluation.leakage.cross_fitted_leakage import UNSEEN_CROWD, LeakageReadings, cross_fitted_leakage
from evaluation.leakage.embedding_health import effective_rank, scale
from evaluation.leakage.information import description_length, usable_information
from evaluation.leakage.multiplicity import ALPHA, shuffles_needed
from evaluation.leakage.permutation_null import run_tests
from evaluation.leakage.permutation_table import permutation_frame
from evaluation.leakage.power import power_curve, smallest_leak
from evaluation.leakage.shuffled_units import Bench
from evaluation.leakage.suppression import suppression
from evaluation.probes.embedding_map import sample_rows, tsne_points
from evaluation.probes.head_features import head_features
from evaluation.probes.standardise import Scaling
from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.representations import Representations
from evaluation.verification.demographic_rates import demographic_rates
from evaluation.verification.pair_comparison import compare_images
from evaluation.verification.pair_scores import score_pairs
from evaluation.verification.pair_tiles import Metric

TEST_SAMPLES = 3000
"""Most samples of the permutation tests, of subjects drawn at random."""

_METRICS: tuple[Metric, ...] = ("cosine", "euclidean")


def measure_leakage(one: Representations, attribute: str, rows: AuditRows, settings: AuditSettings) -> Frames:
    """Attack with training on unseen subjects, then also on the training subjects.

    Neither is always better: few unseen subjects teach little, and a network that was fitted to its training
    subjects hides more about them than about others. If by its record the representation learned from some
    of the training subjects, attackers also learn without these (the unseen crowd).

    Returns:
        `leakage`, the best of these for each attacker and scaling; and all of them, see `pack_correct`.
    """
    (name,) = one.embeddings

    def attacked(
        scalings: Sequence[Scaling], extra: Ints, tuned: LeakageReadings | None = None
    ) -> LeakageReadings:
        return cross_fitted_leakage(
            one.samples(name, attribute, rows.tested),
            attackers=settings.attackers,
            scalings=scalings,
            folds=settings.folds,
            repeats=settings.repeats,
            tune=settings.tune,
            extra=one.samples(name, attribute, extra) if len(extra) else None,
            max_samples=settings.max_samples,
            seed=settings.seed,
            settings=None if tuned is None else tuned.settings,
        )

    found = [attacked(settings.scalings, rows.tested[:0])]
    if len(rows.extra):
        found.append(attacked(settings.scalings[:1], rows.extra, found[0]))
    crowd = unseen_crowd(one, attribute, rows)
    if len(crowd):
        readings = attacked(settings.scalings[:1], crowd, found[0])
        found.append(readings._replace(table=readings.table.assign(learned_from=UNSEEN_CROWD)))
    every = pd.concat([x.table for x in found], ignore_index=True)
    packed = pack_correct(every, np.concatenate([x.correct for x in found]))
    best = every.groupby(["attacker", "scaling"], sort=False)["balanced_accuracy"].idxmax()
    return {"leakage": every.loc[best].reset_index(drop=True), CORRECT: packed}


def measure_permutations(
    one: Representations, attribute: str, rows: AuditRows, settings: AuditSettings, *, tests: int
) -> Frames:
    """Test what is readable: at all, beyond identity, and of the surest samples; estimate the power.

    Args:
        one: one representation.
        attribute: name of the attribute.
        rows: rows to test.
        settings: options of the audit.
        tests: most tests of the family that is corrected together.

    Returns:
        `permutation`, `confident`; `power` and `smallest_leak` at the level alpha / tests, the strictest that
        Holm's method asks: a leak in one representation is found, whatever the others hold.
    """
    (name,) = one.embeddings
    assert settings.permutations is not None
    samples, shuffles = one.samples(name, attribute, rows.tested), settings.permutations
    bench = Bench.of(samples, settings.folds, TEST_SAMPLES, settings.seed)
    confident = confident_leakage(bench, permutations=shuffles, seed=settings.seed)
    least = confident["p_value"].min()  # of the test, whose maximum is over the shares
    confident = confident.assign(permutations=shuffles, exceedances=round(least * (shuffles + 1)) - 1)
    level = ALPHA / tests
    enough = max(shuffles, shuffles_needed(tests), 199)
    power = power_curve(bench, alpha=level, permutations=enough, seed=settings.seed)
    return {
        "permutation": permutation_frame(run_tests(bench, shuffles, settings.seed)),
        "confident": confident,
        "power": power,
        "smallest_leak": smallest_leak(power, level),
    }


def measure_information(
    one: Representations, attribute: str, rows: AuditRows, settings: AuditSettings
) -> Frames:
    """Measure usable information and description length."""
    (name,) = one.embeddings
    samples = one.samples(name, attribute, rows.tested)
    return {
        "information": usable_information(samples, settings.folds, settings.seed),
        "description_length": description_length(samples, seed=settings.seed),
    }


def measure_suppression(
    one: Representations, attribute: str, rows: AuditRows, settings: AuditSettings
) -> Frames:
    """Measure the leakage without some of the features."""
    (name,) = one.embeddings
    samples = one.samples(name, attribute, rows.tested)
    return {"suppression": suppression(samples, draws=settings.suppression_draws, seed=settings.seed)}


def measure_health(one: Representations, _: None, rows: AuditRows, settings: AuditSettings) -> Frames:
    """Measure scale and effective rank, which reveal a collapse."""
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
    """Verify subjects over all pairs, by both metrics."""
    (name,) = one.embeddings
    x, identity = one.embeddings[name][rows.tested], one.identity[rows.tested]
    found: dict[str, list[pd.DataFrame]] = {
        "verification": [],
        "verification_curve": [],
        "verification_histogram": [],
        "_verification_draws": [],
    }
    for metric in _METRICS:
        scores = score_pairs(x, identity, metric, seed=settings.seed)
        parts = (scores.summary(), scores.rates(), scores.histogram(), scores.drawn)
        for kind, frame in zip(found, parts, strict=True):
            found[kind].append(frame.assign(metric=metric))
    return {kind: pd.concat(frames, ignore_index=True) for kind, frames in found.items()}


def measure_verification_within(
    one: Representations, attribute: str, rows: AuditRows, settings: AuditSettings
) -> Frames:
    """Verify subjects by cosine, with impostor pairs of the same class of the attribute."""
    (name,) = one.embeddings
    x, identity = one.embeddings[name][rows.tested], one.identity[rows.tested]
    scores = score_pairs(x, identity, seed=settings.seed, group=one.labels[attribute][rows.tested])
    return {"verification_within": scores.summary(), "_verification_within_draws": scores.drawn}


def measure_comparison(one: Representations, _: None, rows: AuditRows, settings: AuditSettings) -> Frames:
    """Compare a few images pair by pair."""
    (name,) = one.embeddings
    x, identity = one.embeddings[name][rows.tested], one.identity[rows.tested]
    return {"comparison": compare_images(x, identity, settings.compared, settings.seed)}


def measure_map(one: Representations, _: None, rows: AuditRows, settings: AuditSettings) -> Frames:
    """Measure the leakage of every attribute."""
    every = choose_attributes(one, replace(settings, sensitive=None), rows.tested)[0]
    names = [*dict.fromkeys([*(settings.sensitive or ()), *every])]
    some = replace(one, labels={k: one.labels[k] for k in names}, classes={k: one.classes[k] for k in names})
    table = attribute_map(some, rows.tested, settings.folds, settings.seed)
    return {"attribute_map": table.drop(columns="representation")}  # equal embeddings may go by two names


def measure_demographics(
    one: Representations, group: str, rows: AuditRows, settings: AuditSettings
) -> Frames:
    """Measure verification errors by group."""
    (name,) = one.embeddings
    x, identity = one.embeddings[name][rows.tested], one.identity[rows.tested]
    label, names = one.labels[group][rows.tested], one.classes[group]
    rates, differentials = demographic_rates(
        x, identity, label, settings.fmr_target, names=names, seed=settings.seed
    )
    return {"demographic_rates": rates, "demographic_differentials": differentials}


def measure_tsne(one: Representations, _: None, rows: AuditRows, settings: AuditSettings) -> Frames:
    """Map some samples by t-SNE, the same samples of every representation."""
    (name,) = one.embeddings
    some = rows.tested[sample_rows(len(rows.tested), settings.seed, settings.tsne)]
    return _map_of(one.embeddings[name][some], some, one, settings.seed, "tsne")


def measure_head_tsne(
    one: Representations, attribute: str, rows: AuditRows, settings: AuditSettings
) -> Frames:
    """Map the hidden features of a classifier of the attribute for the same samples.

    It learns from the training subjects, who are not on the map.
    """
    (name,) = one.embeddings
    some = rows.tested[sample_rows(len(rows.tested), settings.seed, settings.tsne)]
    features = head_features(one.embeddings[name], one.labels[attribute], one.split == 0, settings.seed)
    return _map_of(features[some], some, one, settings.seed, "tsne_head")


def _map_of(x: Floats, some: Ints, one: Representations, seed: int, section: str) -> Frames:
    if len(x) < 4 or not np.ptp(x, axis=0).any():
        return {}  # too few points, or all the same: the warnings report a collapse
    points = tsne_points(x, seed)
    labels = {f"label.{attribute}": label[some] for attribute, label in one.labels.items()}
    return {section: pd.DataFrame({"sample": some, "x": points[:, 0], "y": points[:, 1], **labels})}
