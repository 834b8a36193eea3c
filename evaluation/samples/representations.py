"""The data of an audit: embeddings of the same samples by several networks, and their labels."""

from dataclasses import dataclass, field, replace

import numpy as np

from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.labelled_samples import Samples


@dataclass(frozen=True, eq=False)
class Representations:
    """Embeddings of N samples by one or more networks, with labels, subjects and splits.

    Attributes:
        embeddings: name -> (N, D); D may differ between them. A row of nan says that the representation lacks
            the sample.
        labels: attribute -> (N,) classes, -1 where unknown.
        classes: attribute -> class names in label order.
        identity: (N,) subject of each sample, -1 where unknown.
        split: (N,) 0 training, 1 validation, 2 test, -1 none, in the training of the representations.
        sample_id: (N,) str.
        block: (N,) block of samples that were drawn together, -1 where a sample is one of its own; None if no
            blocks are known.
        seen: name -> (N,) 1 where the representation learned from the subject of the sample (its network or
            its eraser, by their records), 0 where it did not, -1 where no record says so; representations
            without a record may be left out.

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
    seen: dict[str, Ints] = field(default_factory=dict)

    def __post_init__(self) -> None:
        columns = {"split": self.split, "sample_id": self.sample_id, **self.labels, **self.embeddings}
        columns |= {f"seen by {name}": column for name, column in self.seen.items()}
        if self.block is not None:
            columns["block"] = self.block
        for name, column in columns.items():
            if len(column) != len(self):
                raise ValueError(f"{name} has {len(column)} rows, identity has {len(self)}")
        if self.labels.keys() != self.classes.keys():
            raise ValueError(f"labels of {sorted(self.labels)} but class names of {sorted(self.classes)}")

    def __len__(self) -> int:
        return len(self.identity)

    def present(self, name: str) -> np.ndarray:
        """Return the samples that a representation has, (N,) bool."""
        x = self.embeddings[name]
        missing = np.isnan(x[:, 0])  # few rows need a second look
        missing[missing] = np.isnan(x[missing]).all(1)
        return ~missing

    def alone(self, name: str) -> tuple["Representations", np.ndarray]:
        """Return one representation on the samples that it has, and which these are, (N,) bool."""
        has, one = self.present(name), replace(self, embeddings={name: self.embeddings[name]})
        return (one, has) if has.all() else (one.take(np.flatnonzero(has)), has)

    def take(self, rows: Ints) -> "Representations":
        """Return the samples at `rows` (M,), in that order."""
        return Representations(
            embeddings={name: x[rows] for name, x in self.embeddings.items()},
            labels={name: column[rows] for name, column in self.labels.items()},
            classes=self.classes,
            identity=self.identity[rows],
            split=self.split[rows],
            sample_id=self.sample_id[rows],
            block=None if self.block is None else self.block[rows],
            seen={name: column[rows] for name, column in self.seen.items()},
        )

    def samples(self, representation: str, attribute: str, rows: np.ndarray | None = None) -> Samples:
        """Select one representation and one attribute.

        Args:
            representation: its name.
            attribute: its name.
            rows: (M,) int or (N,) bool; None selects all. Samples that the representation lacks are left out.
        """
        chosen = np.arange(len(self))[slice(None) if rows is None else rows]
        chosen = chosen[self.present(representation)[chosen]]
        return Samples(
            self.embeddings[representation][chosen],
            self.labels[attribute][chosen],
            self.identity[chosen],
            None if self.block is None else self.block[chosen],
        )
