"""The data of an audit: embeddings of the same samples by several networks, and their labels."""

from dataclasses import dataclass

import numpy as np

from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.labelled_samples import Samples


@dataclass(frozen=True, eq=False)
class Representations:
    """Embeddings of N samples by one or more networks, with labels, subjects and splits.

    Attributes:
        embeddings: name -> (N, D); D may differ between them.
        labels: attribute -> (N,) classes, -1 where unknown.
        classes: attribute -> class names in label order.
        identity: (N,) subject of each sample, -1 where unknown.
        split: (N,) 0 training, 1 validation, 2 test, -1 none, in the training of the representations.
        sample_id: (N,) str.
        block: (N,) block of samples that were drawn together, -1 where a sample is one of its own; None if no
            blocks are known.

    Raises:
        ValueError: columns of different lengths, or labels without class names.
    """

    embeddings: dict[str, Floats]
    labels: dict[str, Ints]
    classes: dict[str, tuple[str, ...]]
    identity: Ints
    split: Ints
    sample_id: np.ndarray
    block: Ints | None = None

    def __post_init__(self) -> None:
        columns = {"split": self.split, "sample_id": self.sample_id, **self.labels, **self.embeddings}
        if self.block is not None:
            columns["block"] = self.block
        for name, column in columns.items():
            if len(column) != len(self):
                raise ValueError(f"{name} has {len(column)} rows, identity has {len(self)}")
        if self.labels.keys() != self.classes.keys():
            raise ValueError(f"labels of {sorted(self.labels)} but class names of {sorted(self.classes)}")

    def __len__(self) -> int:
        return len(self.identity)

    def samples(self, representation: str, attribute: str, rows: np.ndarray | None = None) -> Samples:
        """Select one representation and one attribute of all samples, or of `rows`, (M,) int or (N,) bool."""
        chosen = np.arange(len(self)) if rows is None else rows
        return Samples(
            self.embeddings[representation][chosen],
            self.labels[attribute][chosen],
            self.identity[chosen],
            None if self.block is None else self.block[chosen],
        )
