"""Measure 1:N identification, for the audit."""

from evaluation.audit.cache import Frames
from evaluation.audit.rows import AuditRows
from evaluation.audit.settings import AuditSettings
from evaluation.samples.representations import Representations
from evaluation.verification.identification import identify


def measure_identification(one: Representations, _: None, rows: AuditRows, settings: AuditSettings) -> Frames:
    """Search for the tested samples in galleries of tested subjects, also by the groups of `settings.group`.

    Returns:
        `identification` and `identification_open`; see `verification.closed_set` and `verification.open_set`.
    """
    (name,) = one.embeddings
    asked = [settings.group] if settings.group is not None else []
    groups = {attribute: (one.labels[attribute][rows.tested], one.classes[attribute]) for attribute in asked}
    found = identify(one.embeddings[name][rows.tested], one.identity[rows.tested], groups, seed=settings.seed)
    return {"identification": found.closed_set, "identification_open": found.open_set}
