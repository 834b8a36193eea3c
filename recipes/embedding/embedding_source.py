"""The datasets to embed, and what their table says of the samples beside the embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from datamodules.base import FaceDataModule
from datamodules.contract import SPLITS, Attributes, FaceDataset, Split
from datamodules.errors import DatasetError
from datamodules.tables.embedding_table import EmbeddingTable


@dataclass(frozen=True)
class EmbeddingSource:
    """Splits of a dataset, in the order of the table.

    Attributes:
        datasets: the splits, in the order of `base.SPLITS`, without augmentation.
        attributes: class names.
        sample_ids: (n,) str, names of all samples.
        provenance: origin of the samples, see `FaceDataModule.provenance`.
        learned_from: (m,) str, ids of the samples that were learned from, see `EmbeddingTable`.
        left_out: split, file and reason of every image of these splits that cannot be used.
    """

    datasets: dict[Split, FaceDataset]
    attributes: Attributes
    sample_ids: np.ndarray
    provenance: dict[str, str]
    learned_from: np.ndarray | None = None
    left_out: Sequence[tuple[Split, str, str]] = ()

    @classmethod
    def build(cls, data: FaceDataModule, splits: list[Split]) -> "EmbeddingSource":
        """Prepare the data and build the splits; raise `DatasetError` if files or samples are missing."""
        data.prepare_data()
        data.without_augmentation()
        datasets = {split: data.make_dataset(split) for split in SPLITS if split in splits}
        data.datasets.update(datasets)
        if not any(map(len, datasets.values())):
            raise DatasetError(f"there is no sample in {', '.join(splits) or 'no split'}")
        names = [data.sample_ids(split) for split in datasets]
        provenance = data.provenance(list(datasets))
        left_out = data.left_out()
        if left_out:
            provenance["left_out"] = f"{len(left_out)} images that cannot be used"
        samples = np.concatenate(names)
        return cls(datasets, data.attributes, samples, provenance, data.learned_from(), left_out)

    def __len__(self) -> int:
        return len(self.sample_ids)

    @property
    def sizes(self) -> dict[Split, int]:
        """Number of samples of each split."""
        return {split: len(dataset) for split, dataset in self.datasets.items()}

    def table(self, embedding: Tensor, provenance: dict[str, str]) -> EmbeddingTable:
        """Build the table of embeddings (n, D)."""
        labels = [dataset.labels(torch.arange(len(dataset))) for dataset in self.datasets.values()]
        places = torch.tensor([SPLITS.index(split) for split in self.datasets], dtype=torch.int8)
        return EmbeddingTable(
            embedding=embedding,
            labels={name: torch.cat([part[name] for part in labels]).long() for name in self.attributes},
            attributes={name: tuple(classes) for name, classes in self.attributes.items()},
            sample_id=self.sample_ids,
            split=places.repeat_interleave(torch.tensor(list(self.sizes.values()))),
            provenance=provenance,
            learned_from=self.learned_from,
        )

    def learned_by(self, samples: np.ndarray | None) -> "EmbeddingSource":
        """Add the training samples (m,) str of the network, if they are known."""
        known = [x for x in (self.learned_from, samples) if x is not None and len(x)]
        return replace(self, learned_from=np.unique(np.concatenate(known)) if known else None)
