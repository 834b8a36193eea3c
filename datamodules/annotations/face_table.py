"""The content of a dataset's annotation files: one row for each image file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class FaceTable:
    """The annotations of n images.

    Attributes:
        folder: of the images.
        file: (n,) str, the path of each image below `folder`, with "/" between its parts; unique. It is the
            sample id by which images, crops and embeddings are joined.
        split: (n,) int8, index of the split in `contract.SPLITS`, -1 for an image in none.
        labels: (n,) integers for each attribute of the DataModule, -1 where unknown.
        digest: sha256 of the annotation files.
        published: number of images of the complete release; None where there is none.
    """

    folder: Path
    file: np.ndarray
    split: np.ndarray
    labels: dict[str, np.ndarray]
    digest: str
    published: int | None = None

    def __len__(self) -> int:
        return len(self.file)

    def paths(self, rows: np.ndarray) -> list[str]:
        """Return the paths of the image files at `rows` (m,) int64."""
        return [f"{self.folder}/{name}" for name in self.file[rows]]
