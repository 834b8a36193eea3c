"""Describe the data of an audit: facts for the report, and digests for the cache."""

import platform
from importlib.metadata import version

import numpy as np

from evaluation.audit.cache import fingerprint
from evaluation.audit.rows import AuditRows
from evaluation.audit.settings import SPLITS
from evaluation.samples.representations import Representations

_PACKAGES = ("numpy", "scikit-learn", "torch")


def about_subjects(representations: Representations, rows: AuditRows) -> list[str]:
    """Say how many of the tested samples are of unknown subjects; nothing if none is."""
    identity = representations.identity[rows.tested]
    unknown = int((identity < 0).sum())
    if not unknown:
        return []
    return [
        f"Of {unknown:,} of the {len(identity):,} samples nobody knows whose they are. Each counts as a "
        "person of its own, so attackers may have met some of the people they are measured on, and "
        "intervals may be too narrow."
    ]


def digest_of_samples(representations: Representations, rows: AuditRows) -> str:
    """Compute a digest of everything but the embeddings."""
    names = sorted(representations.labels)
    texts = [[name, *representations.classes[name]] for name in names]
    columns = [representations.labels[name] for name in names]
    return fingerprint(
        *map(np.array, texts),
        *columns,
        representations.identity,
        representations.split,
        representations.sample_id,
        *([] if representations.block is None else [representations.block]),
        rows.tested,
        rows.extra,
    )


def facts(
    representations: Representations, rows: AuditRows, samples: str, embeddings: dict[str, str]
) -> dict[str, str]:
    """Describe the samples, their fingerprints and the versions of the libraries, for the report.

    Args:
        representations: data of the audit.
        rows: rows that were measured.
        samples: digest of the samples, see `digest_of_samples`.
        embeddings: digest of each representation.
    """
    identity = representations.identity[rows.tested]
    people = len(np.unique(identity[identity >= 0]))
    of = f" of {people:,} people" if people else ", of people whom nobody knows"
    sizes = [
        f"{int((representations.split == place).sum()):,} {name}"
        for place, name in enumerate((*SPLITS, "in no split"))
    ]
    return {
        "tested": f"{len(rows.tested):,} samples{of} ({rows.description})",
        "samples": f"{len(representations):,}: {', '.join(sizes)}",
        "fingerprint of samples and labels": samples,
        **{f"fingerprint of {name}": digest for name, digest in embeddings.items()},
        "versions": ", ".join(
            [f"Python {platform.python_version()}", *(f"{x} {version(x)}" for x in _PACKAGES)]
        ),
    }
