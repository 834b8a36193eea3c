"""What the annotation files of a dataset say: one row for each image file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class FaceTable:
    """The annotations of n images.

    Attributes:
        folder: where the images are.
        file: (n,) str, the path of each image below `folder`, with "/" between its parts; no two are alike.
            It is the sample's id wherever images, crops and embeddings are joined.
        split: (n,) int8, the place of the split in `base.SPLITS`, -1 for an image that is in none.
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
        """Paths of the image files at `rows` (m,) int64."""
        return [f"{self.folder}/{name}" for name in self.file[rows]]
