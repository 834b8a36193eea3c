"""Draw a part of the samples of an audit: some subjects, or equally many samples of each group."""

import numpy as np
import torch

from evaluation.audit.settings import AuditSettings
from evaluation.samples.arrays import Ints
from evaluation.samples.groupings import cross
from evaluation.samples.representations import Representations


def draw_tested_rows(
    representations: Representations, settings: AuditSettings, rows: Ints
) -> tuple[Ints, str]:
    """Draw rows from `rows` (M,) by the settings; returns them in ascending order, and their description.

    With one seed a smaller draw is part of a larger one of its kind.

    Raises:
        ValueError: too few subjects, or too few samples of a group; says how many there are.
    """
    rng = np.random.default_rng(settings.seed)
    shuffled = rng.permutation(rows)
    if settings.per_group is not None:
        group = sensitive_groups(representations, settings, shuffled)
        return np.sort(_of_each(shuffled, group, settings.per_group)), (
            f"{settings.per_group:,} samples, drawn at random, of each group by "
            f"{' and '.join(settings.sensitive or ())}, from "
        )
    if settings.subjects is None and settings.per_subject is None:
        return rows, ""
    identity = representations.identity[shuffled]
    wanted = settings.per_subject or 1
    subjects, counts = np.unique(identity[identity >= 0], return_counts=True)
    eligible = subjects[counts >= wanted]
    number = len(eligible) if settings.subjects is None else settings.subjects
    if not 0 < number <= len(eligible):
        raise ValueError(
            f"subjects is {settings.subjects}, per_subject {settings.per_subject}, but {len(eligible):,} "
            f"subjects are known to have {wanted:,} samples or more"
        )
    drawn = np.isin(identity, rng.permutation(eligible)[:number])
    shuffled, identity = shuffled[drawn], identity[drawn]
    each = "all" if settings.per_subject is None else f"{settings.per_subject:,}"
    if settings.per_subject is not None:
        shuffled = _of_each(shuffled, identity, settings.per_subject)
    return np.sort(shuffled), f"{number:,} people drawn at random, {each} of their samples each, from "


def sensitive_groups(representations: Representations, settings: AuditSettings, rows: Ints) -> Ints:
    """Compute the combination of the sensitive attributes' classes of each row, (M,); -1 if one is unknown.

    Raises:
        ValueError: no attribute is named, or one that does not exist.
    """
    names = settings.sensitive or []
    if not names:
        raise ValueError("per_group draws from groups of the sensitive attributes; name these")
    if missing := [name for name in names if name not in representations.labels]:
        known = ", ".join(sorted(representations.labels))
        raise ValueError(f"there is no attribute {missing[0]!r}; there are {known}")
    labels = [torch.from_numpy(representations.labels[name][rows]) for name in names]
    return cross(labels, [len(representations.classes[name]) for name in names]).numpy()


def _of_each(rows: Ints, group: Ints, count: int) -> Ints:
    """Take the first `count` rows of every group but -1.

    Raises:
        ValueError: a group has fewer.
    """
    groups, sizes = np.unique(group[group >= 0], return_counts=True)
    if not len(groups) or sizes.min() < count:
        least = sizes.min() if len(groups) else 0
        raise ValueError(f"per_group is {count:,}, but the smallest group has {least:,} samples; take fewer")
    return np.concatenate([rows[group == g][:count] for g in groups])
