"""Further attacks of an audit: by group, by the attacker's data, and by what the attacker has."""

from itertools import product

import numpy as np
import pandas as pd

from evaluation.audit.cache import Frames
from evaluation.audit.rows import AuditRows, unseen_crowd
from evaluation.audit.settings import AuditSettings
from evaluation.leakage.access import Access, access_leakage
from evaluation.leakage.cross_fitted_leakage import ALSO_TRAINING, UNSEEN, UNSEEN_CROWD
from evaluation.leakage.learning_curve import learning_curve
from evaluation.leakage.multiplicity import holm
from evaluation.leakage.subgroup_leakage import subgroup_leakage
from evaluation.leakage.white_box import KnownMaps
from evaluation.samples.arrays import Floats
from evaluation.samples.representations import Representations

_SUBGROUP_SAMPLES = 1000


def measure_subgroups(
    one: Representations, attribute: str, rows: AuditRows, settings: AuditSettings
) -> Frames:
    """Test whether the attribute is readable within the classes of the other sensitive attributes."""
    (name,) = one.embeddings
    others = [x for x in settings.sensitive or () if x != attribute]
    present = rows.tested[one.present(name)[rows.tested]]
    table = subgroup_leakage(
        one.samples(name, attribute, present),
        {x: one.labels[x][present] for x in others},
        {x: one.classes[x] for x in others},
        folds=settings.folds,
        seed=settings.seed,
        max_samples=_SUBGROUP_SAMPLES,
    )
    return {"subgroups": table.assign(p_holm=holm(table["p_value"].to_numpy()))}


def measure_learning_curve(
    one: Representations, attribute: str, rows: AuditRows, settings: AuditSettings
) -> Frames:
    """Measure the leakage by attackers with ever more samples, and extrapolate it."""
    (name,) = one.embeddings
    samples = one.samples(name, attribute, rows.tested)
    table = learning_curve(samples, folds=settings.folds, seed=settings.seed)
    return {"learning_curve": table.assign(chance=1 / len(np.unique(samples.label[samples.label >= 0])))}


def measure_access(
    one: Representations,
    attribute: str,
    rows: AuditRows,
    settings: AuditSettings,
    before: Floats | None,
    maps: KnownMaps | None = None,
) -> Frames:
    """Measure the leakage by what an attacker has, from the samples that the strongest attackers learn from.

    As in `measure_leakage`, attackers learn from unseen subjects, then also from the training subjects, or
    from those that the representation has not learned from where its record names them. Of each attacker the
    better counts.

    Args:
        one: the representation.
        attribute: the attribute.
        rows: rows to attack.
        settings: options of the audit.
        before: (N, D) original embeddings, for `pairs`; None omits it.
        maps: eraser of the originals, for the white box; None omits it.
    """
    (name,) = one.embeddings
    samples = one.samples(name, attribute, rows.tested)
    accesses: list[Access] = ["retrained", "fused", "fused scores"]
    accesses += [] if before is None else ["pairs"]
    accesses += [] if before is None or maps is None else ["white box"]
    crowd = unseen_crowd(one, attribute, rows)
    sources = {UNSEEN: rows.tested[:0]}
    if len(rows.extra):
        sources |= {UNSEEN_CROWD: crowd} if len(crowd) else {ALSO_TRAINING: rows.extra}
    tables = []
    for (source, extra), access in product(sources.items(), accesses):
        table = access_leakage(
            samples,
            access,
            None if before is None else before[rows.tested],
            extra=one.samples(name, attribute, extra) if len(extra) else None,
            extra_before=None if before is None else before[extra],
            folds=settings.folds,
            seed=settings.seed,
            maps=maps,
        )
        tables.append(table.assign(learned_from=source))
    every = pd.concat(tables, ignore_index=True)
    best = every.groupby(["access", "images", "attacker"], sort=False)["balanced_accuracy"].idxmax()
    return {"access": every.loc[best].reset_index(drop=True)}
