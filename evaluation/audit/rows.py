"""Choose the samples and attributes of an audit."""

from dataclasses import dataclass

import numpy as np

from evaluation.audit.drawn_rows import draw_tested_rows
from evaluation.audit.settings import SPLITS, AuditSettings, Split
from evaluation.samples.arrays import Ints
from evaluation.samples.representations import Representations

_UNSEEN: tuple[Split, ...] = ("val", "test")


@dataclass(frozen=True, eq=False)
class AuditRows:
    """Rows that are attacked, and rows that attackers only learn from.

    Attributes:
        tested: (M,) rows that are attacked, and on which everything else is measured.
        extra: (E,) further training rows for attackers; may be empty.
        description: of the rows, for the report.
    """

    tested: Ints
    extra: Ints
    description: str

    def among(self, present: np.ndarray) -> "AuditRows":
        """Return the rows that are `present` (N,) bool, numbered among these alone."""
        place = np.cumsum(present) - 1
        tested, extra = (rows[present[rows]] for rows in (self.tested, self.extra))
        return AuditRows(place[tested], place[extra], self.description)


def choose_rows(representations: Representations, settings: AuditSettings) -> AuditRows:
    """Choose the rows by the settings.

    Raises:
        ValueError: the chosen splits have no rows, or too few for the draw.
    """
    split = representations.split
    names = settings.splits or [name for name in _UNSEEN if (split == SPLITS.index(name)).any()]
    if not names:
        every, drawn = draw_tested_rows(representations, settings, np.arange(len(split)))
        description = f"{drawn}all samples; nobody is known to be unseen in training"
        return AuditRows(every, every[:0], description)
    tested = np.flatnonzero(np.isin(split, [SPLITS.index(name) for name in names]))
    if not len(tested):
        raise ValueError(f"no sample is in {' or '.join(names)}; choose other splits")
    tested, drawn = draw_tested_rows(representations, settings, tested)
    description = f"{drawn}the samples of {' and '.join(names)}"
    extra = tested[:0]
    if "train" not in names:
        description += f", subjects {_origin(representations, tested)}"
        extra = np.flatnonzero(split == 0) if settings.extra else extra
    if len(extra):
        description += f"; attackers also learn from the {len(extra):,} training samples"
    return AuditRows(tested, extra, description)


def _origin(representations: Representations, tested: Ints) -> str:
    """Say how it is known that the representations did not learn from the subjects tested."""
    known = [representations.seen.get(name) for name in representations.embeddings]
    if all(column is not None and not column[tested].any() for column in known):
        return "that no representation learned from, as its record says"
    return "that the table marks as not seen in training"


def choose_attributes(
    representations: Representations, settings: AuditSettings, rows: Ints
) -> tuple[list[str], list[str]]:
    """Choose the sensitive attributes; also return sentences on those that were left out.

    Without a requested one there may be none, and verification alone is measured.

    Raises:
        ValueError: a requested attribute does not exist or has one class in `rows`, or neither an attribute
            is left nor a subject is known to have two samples.
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
        reason = f"{name} has {count} {'class' if count == 1 else 'classes'} among the samples tested"
        if settings.sensitive:
            raise ValueError(f"{reason}; there is nothing to tell apart")
        left_out.append(f"{reason} and was left out.")
    if not chosen and not known_twice(representations.identity[rows]):
        raise ValueError(
            "no attribute has two classes among the samples tested, and no subject is known to have two "
            "samples: there is nothing to measure"
        )
    return chosen, left_out


def known_twice(identity: Ints) -> bool:
    """Check that there are genuine and impostor pairs: two subjects, one of them with two samples."""
    counts = np.unique(identity[identity >= 0], return_counts=True)[1]
    return len(counts) > 1 and counts.max() > 1


def unseen_crowd(one: Representations, attribute: str, rows: AuditRows) -> Ints:
    """Return those further training rows that the representation has not learned from, by its record.

    Without a record, or where it learned from all or none of them, or where a class of the attribute is not
    among the others, there are none: nothing would differ from the other trainings.
    """
    (name,) = one.embeddings
    learned = one.seen.get(name, np.zeros(len(one), np.int64))[rows.extra] == 1
    crowd = rows.extra[~learned]
    label = one.labels[attribute]
    classes, found = (np.unique(label[some][label[some] >= 0]) for some in (rows.tested, crowd))
    return crowd if learned.any() and np.isin(classes, found).all() else crowd[:0]
