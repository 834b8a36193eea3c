"""Check what the tables of an audit say of themselves: missing samples, subjects learned from, splits."""

import numpy as np

from evaluation.audit.result import Caveat
from evaluation.audit.rows import AuditRows
from evaluation.audit.settings import SPLITS, AuditSettings
from evaluation.samples.labelled_samples import unique_unknown_ids
from evaluation.samples.representations import Representations
from evaluation.samples.wording import percent


def check_tables(representations: Representations, rows: AuditRows, settings: AuditSettings) -> list[Caveat]:
    """Refuse tables that cannot be compared, and write caveats on what is allowed.

    Raises:
        ValueError: a representation lacks more of the tested samples than `allow_missing`, or learned from
            subjects that are tested, without `allow_seen`. One line says how many.
    """
    caveats = []
    for name in representations.embeddings:
        texts = (
            _missing(representations, name, rows, settings.allow_missing),
            _seen(representations, name, rows, settings.allow_seen),
        )
        caveats += [Caveat(text, name) for text in texts if text]
    return caveats + [Caveat(text) for text in _in_two_splits(representations)]


def _missing(representations: Representations, name: str, rows: AuditRows, allowed: float) -> str | None:
    lacks = ~representations.present(name)
    tested, extra = rows.tested[lacks[rows.tested]], int(lacks[rows.extra].sum())
    if not len(tested) + extra:
        return None
    share = len(tested) / len(rows.tested)
    count = f"{name} lacks {len(tested):,} of the {len(rows.tested):,} tested samples ({percent(share)})"
    if share > allowed:
        raise ValueError(
            f"{count}, first {str(representations.sample_id[tested[0]])!r}; embed the same samples, or give "
            f"allow_missing, now {allowed:g}, a larger share"
        )
    also = f", and {extra:,} of the {len(rows.extra):,} that attackers also learn from" if extra else ""
    return f"Missing samples: {count}{also}. Its figures are of the others, and say nothing of these."


def _seen(representations: Representations, name: str, rows: AuditRows, allowed: bool) -> str | None:
    seen = representations.seen.get(name)
    if seen is None or not len(known := rows.tested[seen[rows.tested] == 1]):
        return None
    subjects = unique_unknown_ids(representations.identity)
    learned, tested = (len(np.unique(subjects[chosen])) for chosen in (known, rows.tested))
    count = f"{name} learned from {learned:,} of the {tested:,} subjects tested"
    if not allowed:
        raise ValueError(
            f"{count}, by its record, such as that of sample {str(representations.sample_id[known[0]])!r}; "
            "test other splits, or set allow_seen to test them all the same"
        )
    return (
        f"Seen in training: {count}, by its record. It hides more about them than about others, and "
        "attackers may even read below chance; neither says how blind it is to subjects it has not seen."
    )


def _in_two_splits(representations: Representations) -> list[str]:
    """Say how many subjects have samples in two splits."""
    marked = (representations.identity >= 0) & (representations.split >= 0)
    pairs = np.unique(
        np.stack([representations.identity[marked], representations.split[marked]], axis=1), axis=0
    )
    subjects, counts = np.unique(pairs[:, 0], return_counts=True)
    shared = subjects[counts > 1]
    if not len(shared):
        return []
    row = np.flatnonzero(marked & (representations.identity == shared[0]))[0]
    places = np.unique(pairs[np.isin(pairs[:, 0], shared), 1])
    names = " and ".join(SPLITS[place] for place in places)
    return [
        f"Split: {len(shared):,} of {len(subjects):,} subjects, such as that of sample "
        f"{str(representations.sample_id[row])!r}, have samples in more than one of {names}. A "
        "representation may have learned from them, and attackers may have met them."
    ]
