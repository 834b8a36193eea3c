"""Describe one construction: its tables, its truth, and the verdict that is right."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from evaluation.samples.arrays import Floats, Ints


@dataclass(frozen=True, eq=False)
class Table:
    """Embeddings of N samples as an author would hand them in.

    Attributes:
        embedding: (N, D).
        label: (N,) classes of the attribute, -1 where unknown.
        identity: (N,) subject of each sample.
        split: (N,) 0 training, 1 validation, 2 test, -1 none; None is -1 throughout.
        sample_id: (N,) str; None numbers the samples.
        block: (N,) block of samples that were drawn together; None if not known.
        others: further attributes, name -> (N,).
        provenance: origin of the table.
    """

    embedding: Floats
    label: Ints
    identity: Ints
    split: Ints | None = None
    sample_id: np.ndarray | None = None
    block: Ints | None = None
    others: dict[str, Ints] = field(default_factory=dict)
    provenance: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Right:
    """The right outcome of an audit.

    Attributes:
        level: level of the verdict; None if the audit must be refused.
        at_least: the reading may not be below this balanced accuracy.
        at_most: nor above this one.
        says: the verdict, a caveat or, if `level` is None, the error holds each of these texts.
        beyond_identity: whether something must be found beyond identity; None leaves it open.
    """

    level: str | None
    at_least: float = 0.0
    at_most: float = 1.0
    says: tuple[str, ...] = ()
    beyond_identity: bool | None = None


@dataclass(frozen=True)
class Construction:
    """A construction of the study.

    Attributes:
        name: short name for the table.
        right: the right outcome, for the last representation.
        make: draws the tables, before and after, from a random generator; its docstring says what holds.
        settings: options of the audit that differ from the study's.
        counts_alarms: whether the study counts false alarms over many of its tables.
    """

    name: str
    right: Right
    make: Callable[[np.random.Generator], list[Table]]
    settings: dict[str, Any] = field(default_factory=dict)
    counts_alarms: bool = False

    @property
    def truth(self) -> str:
        """Return what holds, for readers."""
        return (self.make.__doc__ or "").strip().rstrip(".")
