"""Keep subjects together in the folds who share photographs."""

from dataclasses import replace

import numpy as np

from evaluation.audit.result import Caveat
from evaluation.audit.rows import AuditRows
from evaluation.leakage.near_duplicates import SharedEmbeddings, shared_embeddings
from evaluation.samples.labelled_samples import unique_unknown_ids
from evaluation.samples.representations import Representations


def join_shared_subjects(
    representations: Representations, rows: AuditRows, seed: int
) -> tuple[Representations, list[Caveat]]:
    """Give subjects who share (nearly) identical embeddings one identity, for measurements of leakage.

    Judged by the first representation, in which nothing is hidden; a later one may map different photographs
    to one embedding.

    Args:
        representations: data of the audit.
        rows: rows that are attacked or learned from.
        seed: seed of the search.

    Returns:
        The representations with the identities that folds and intervals are to keep together, and a caveat
        with the counts; the same representations and no caveat where nothing is shared.
    """
    first = next(iter(representations.embeddings))
    used = np.concatenate([rows.tested, rows.extra])
    used = used[representations.present(first)[used]]
    subjects = unique_unknown_ids(representations.identity)
    found = shared_embeddings(representations.embeddings[first][used], subjects[used], seed)
    if not len(found.exact) + len(found.near):
        return representations, []
    caveat = Caveat(_describe(found, first))
    if not found.merged:
        return representations, [caveat]
    identity = subjects.copy()
    identity[used] = subjects.max() + 1 + found.units
    identity[identity < 0] = -1
    return replace(representations, identity=identity), [caveat]


def _describe(found: SharedEmbeddings, name: str) -> str:
    counts = (
        f"Shared photographs: {found.samples:,} samples of {found.subjects:,} subjects have identical or "
        f"nearly identical embeddings in {name} under another subject ({len(found.exact):,} identical pairs, "
        f"{len(found.near):,} near ones)."
    )
    if found.merged:
        return (
            f"{counts} These subjects count as one in folds and intervals: otherwise an attacker would "
            "recognise what it has learned. Verification counts them as given."
        )
    return (
        f"{counts} They are too many to be kept together, so the representation has few distinct values, or "
        "the identities are wrong. Attackers may recognise photographs that they have learned."
    )
