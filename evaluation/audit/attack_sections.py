"""Further attacks of an audit: by group, by the attacker's data, and by what the attacker has."""

import numpy as np
import pandas as pd

from evaluation.audit.cache import Frames
from evaluation.audit.rows import AuditRows
from evaluation.audit.settings import AuditSettings
from evaluation.leakage.access import Access, access_leakage
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
    """Measure the leakage by what an attacker has.

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
    original = None if before is None else before[rows.tested]
    options = {"folds": settings.folds, "seed": settings.seed}
    tables = [access_leakage(samples, access, original, maps=maps, **options) for access in accesses]
    return {"access": pd.concat(tables, ignore_index=True)}
