"""What an audit compares: several embeddings of the same samples, and what is known of these."""

from dataclasses import dataclass

import numpy as np

from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.labelled_samples import Samples


@dataclass(frozen=True, eq=False)
class Representations:
    """Embeddings of N samples by one or more networks, with the labels of the samples.

    Attributes:
        embeddings: name -> (N, D); the width may differ from one to the next.
        labels: attribute -> (N,) classes, -1 where unknown.
        classes: attribute -> class names in label order.
        identity: (N,) whose the samples are, -1 where unknown.
        split: (N,) 0 training, 1 validation, 2 test, -1 none: of the training of the representations.
        sample_id: (N,) str.

    Raises:
        ValueError: columns of different lengths, or labels without class names.
    """

    embeddings: dict[str, Floats]
    labels: dict[str, Ints]
    classes: dict[str, tuple[str, ...]]
    identity: Ints
    split: Ints
    sample_id: np.ndarray

    def __post_init__(self) -> None:
        columns = {"split": self.split, "sample_id": self.sample_id, **self.labels, **self.embeddings}
        for name, column in columns.items():
            if len(column) != len(self):
                raise ValueError(f"{name} has {len(column)} rows, identity has {len(self)}")
        if self.labels.keys() != self.classes.keys():
            raise ValueError(f"labels of {sorted(self.labels)} but class names of {sorted(self.classes)}")

    def __len__(self) -> int:
        return len(self.identity)

    def samples(self, representation: str, attribute: str, rows: np.ndarray | None = None) -> Samples:
        """One representation with one attribute: all samples, or those at `rows`, (M,) int or (N,) bool."""
        chosen = np.arange(len(self)) if rows is None else rows
        return Samples(
            self.embeddings[representation][chosen], self.labels[attribute][chosen], self.identity[chosen]
        )
