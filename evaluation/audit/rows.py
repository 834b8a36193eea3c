"""Which samples and attributes an audit is about."""

from dataclasses import dataclass

import numpy as np

from evaluation.audit.drawn_rows import draw_rows
from evaluation.audit.settings import SPLITS, AuditSettings, Split
from evaluation.samples.arrays import Ints
from evaluation.samples.representations import Representations

_UNSEEN: tuple[Split, ...] = ("val", "test")


@dataclass(frozen=True, eq=False)
class AuditRows:
    """Who is attacked, and who is only learned from.

    Attributes:
        tested: (M,) rows that are attacked, and on which everything else is measured.
        extra: (E,) rows that attackers learn from too; empty where there are none, or none are wanted.
        told: one sentence that says whose they are.
    """

    tested: Ints
    extra: Ints
    told: str


def choose_rows(representations: Representations, settings: AuditSettings) -> AuditRows:
    """The rows that the settings ask for.

    Raises:
        ValueError: there are none in the splits asked for, or too few for what is to be drawn.
    """
    split = representations.split
    names = settings.splits or [name for name in _UNSEEN if (split == SPLITS.index(name)).any()]
    if not names:
        every, drawn = draw_rows(representations, settings, np.arange(len(split)))
        told = f"{drawn}all samples; nobody is known to be unseen in training"
        return AuditRows(every, every[:0], told)
    tested = np.flatnonzero(np.isin(split, [SPLITS.index(name) for name in names]))
    if not len(tested):
        raise ValueError(f"no sample is in {' or '.join(names)}; choose other splits")
    tested, drawn = draw_rows(representations, settings, tested)
    told = f"{drawn}the samples of {' and '.join(names)}"
    extra = tested[:0]
    if "train" not in names:
        told += ", people whom the representation has not seen in its training"
        extra = np.flatnonzero(split == 0) if settings.extra else extra
    if len(extra):
        told += f"; attackers also learn from the {len(extra):,} training samples"
    return AuditRows(tested, extra, told)


def choose_attributes(
    representations: Representations, settings: AuditSettings, rows: Ints
) -> tuple[list[str], list[str]]:
    """The sensitive attributes, and sentences that say which were left out and why.

    Raises:
        ValueError: an attribute that is asked for does not exist or has one class in `rows`, or no attribute
            is left.
    """
    known = representations.labels
    for name in (*(settings.sensitive or ()), settings.group, settings.target, settings.balance):
        if name is not None and name not in known:
            raise ValueError(f"there is no attribute {name!r}; there are {', '.join(sorted(known))}")
    chosen, left_out = [], []
    for name in settings.sensitive or known:
        label = known[name][rows]
        count = len(np.unique(label[label >= 0]))
        if count >= 2 and (settings.sensitive or count <= settings.max_classes):
            chosen.append(name)
            continue
        told = f"{name} has {count} {'class' if count == 1 else 'classes'} among the samples tested"
        if settings.sensitive:
            raise ValueError(f"{told}; there is nothing to tell apart")
        left_out.append(f"{told} and was left out.")
    if not chosen:
        raise ValueError("no attribute has two classes among the samples tested")
    return chosen, left_out
