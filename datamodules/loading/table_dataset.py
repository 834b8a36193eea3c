"""One split of a dataset with labels in columns in memory, and images from any source."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from datamodules.contract import FaceBatch, FaceDataset, Visit
from datamodules.errors import DatasetError
from datamodules.loading.augmentation import Augmentation
from datamodules.loading.image_files import read_rgb

ImageSource = Callable[[np.ndarray], np.ndarray]
"""Returns images (N, H, W, 3) uint8 RGB at indices (N,) int64 of the split."""


class ImageFiles:
    """Reads image files one by one.

    Args:
        paths: one for each sample.
        fit: brings an image (H, W, 3) to the one size of the batch; raises ValueError if it cannot.
    """

    def __init__(self, paths: list[str], fit: Callable[[np.ndarray], np.ndarray]) -> None:
        self.fit = fit
        self.paths = np.array(paths, dtype=np.str_)  # an array, as loader processes do not copy it

    def __call__(self, index: np.ndarray) -> np.ndarray:
        """Read images (N, H, W, 3) at `index` (N,)."""
        return np.stack([self._image(str(path)) for path in self.paths[index]])

    def _image(self, path: str) -> np.ndarray:
        image = read_rgb(path)
        try:
            return self.fit(image)
        except ValueError as error:
            raise DatasetError(f"{path}: {error}") from None


class TableDataset(FaceDataset):
    """Labels in columns, images from a source.

    Args:
        labels: (n,) integers for each attribute, -1 where unknown.
        source: of the images.
        augmentation: changes training images one by one; None leaves them as they are.
    """

    def __init__(
        self, labels: Mapping[str, np.ndarray], source: ImageSource, augmentation: Augmentation | None = None
    ) -> None:
        self.names = tuple(labels)
        self.columns = torch.from_numpy(np.stack(list(labels.values()))).long()
        self.source, self.augmentation = source, augmentation

    def __len__(self) -> int:
        return self.columns.shape[1]

    def labels(self, index: Tensor) -> FaceBatch:
        """Return every attribute (N,) at `index` (N,)."""
        columns = self.columns[:, index]  # one storage for all, which is sent between processes once
        return dict(zip(self.names, columns.unbind(), strict=True))

    def read(self, index: Tensor) -> FaceBatch:
        """Return the samples at `index` (N,): uint8 images, channels last in memory, and every attribute."""
        return self._batch(self.source(index.numpy()), index)

    def read_visits(self, index: Tensor, visits: Sequence[Visit]) -> FaceBatch:
        """Return the samples at `index` (N,), augmented by their visits."""
        images = self.source(index.numpy())
        if self.augmentation is not None:
            samples = zip(images, index.tolist(), visits, strict=True)
            images = np.stack([self.augmentation(x, i, *visit) for x, i, visit in samples])
        return self._batch(images, index)

    def _batch(self, images: np.ndarray, index: Tensor) -> FaceBatch:
        return {"image": torch.from_numpy(images).permute(0, 3, 1, 2), **self.labels(index)}
