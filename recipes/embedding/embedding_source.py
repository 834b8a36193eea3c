"""Datasets that are to be embedded: what their table says of the samples beside the embeddings."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from datamodules.base import FaceDataModule
from datamodules.contract import SPLITS, Attributes, FaceDataset, Split
from datamodules.embeddings import Embeddings
from datamodules.errors import DatasetError
from datamodules.file_faces import FileFaces
from datamodules.tables.embedding_table import EmbeddingTable
from datamodules.two_streams import TwoStreams

OF_TABLE = "source/"
"""Precedes what a table that was embedded says of its own origin, but for the dataset's."""


@dataclass(frozen=True)
class EmbeddingSource:
    """Splits of a dataset, in the order of the table.

    Attributes:
        datasets: the splits, in the order of `base.SPLITS`, without augmentation.
        attributes: class names.
        sample_ids: (n,) str, names of all samples, see `sample_ids`.
        provenance: where the samples are from, see `provenance_of`.
        left_out: split, file and reason of every image of these splits that has no crop.
    """

    datasets: dict[Split, FaceDataset]
    attributes: Attributes
    sample_ids: np.ndarray
    provenance: dict[str, str]
    left_out: tuple[tuple[Split, str, str], ...] = ()

    @classmethod
    def build(cls, data: FaceDataModule, splits: list[Split]) -> "EmbeddingSource":
        """Prepare the data and build the splits; raises `DatasetError` if files or samples are missing."""
        data.prepare_data()
        if isinstance(data, FileFaces):
            data.augment = False
        datasets = {split: data.make_dataset(split) for split in SPLITS if split in splits}
        if not any(map(len, datasets.values())):
            raise DatasetError(f"there is no sample in {', '.join(splits) or 'no split'}")
        names = [sample_ids(data, split, len(dataset)) for split, dataset in datasets.items()]
        provenance = provenance_of(data, list(datasets))
        left_out = _left_out(data)
        if left_out:
            provenance["left_out"] = f"{len(left_out)} images without a crop"
        return cls(datasets, data.attributes, np.concatenate(names), provenance, left_out)

    def __len__(self) -> int:
        return len(self.sample_ids)

    @property
    def sizes(self) -> dict[Split, int]:
        """Samples of each split."""
        return {split: len(dataset) for split, dataset in self.datasets.items()}

    def table(self, embedding: Tensor, provenance: dict[str, str]) -> EmbeddingTable:
        """The table of embeddings (n, D)."""
        labels = [dataset.labels(torch.arange(len(dataset))) for dataset in self.datasets.values()]
        places = torch.tensor([SPLITS.index(split) for split in self.datasets], dtype=torch.int8)
        return EmbeddingTable(
            embedding=embedding,
            labels={name: torch.cat([part[name] for part in labels]).long() for name in self.attributes},
            attributes={name: tuple(classes) for name, classes in self.attributes.items()},
            sample_id=self.sample_ids,
            split=places.repeat_interleave(torch.tensor(list(self.sizes.values()))),
            provenance=provenance,
        )


def _left_out(data: FaceDataModule) -> tuple[tuple[Split, str, str], ...]:
    if isinstance(data, TwoStreams):
        return _left_out(data.streams[data.evaluate])
    if not isinstance(data, FileFaces):
        return ()
    return tuple((s, name, why) for s, files in data.left_out.items() for name, why in files.items())


def sample_ids(data: FaceDataModule, split: Split, count: int) -> np.ndarray:
    """(count,) str: the path of each image below the dataset's folder, or a table's own sample ids.

    Data without names, such as drawn faces, are numbered: `<split>/<place in the split>`.

    Args:
        data: has built the split with `make_dataset`.
        split: whose samples.
        count: how many there are.
    """
    if isinstance(data, TwoStreams):
        return sample_ids(data.streams[data.evaluate], split, count)
    if isinstance(data, FileFaces):
        return data.files_of(split)
    if isinstance(data, Embeddings):
        return data.table.sample_id[data.rows(split).numpy()]
    return np.array([f"{split}/{index:06d}" for index in range(count)], dtype=np.str_)


def provenance_of(data: FaceDataModule, splits: list[Split]) -> dict[str, str]:
    """Where the samples of some splits, which `data` has built, are from.

    `dataset` is the fingerprint and `splits` those it is of: the fingerprint of image files is of the splits
    that were built. A table of a table has those of the first one's data, and all else that it says as
    `source/...`, so that embeddings before and after are seen to be of the same samples.
    """
    facts = {"data": type(data).__name__, "dataset": data.fingerprint, "splits": ",".join(splits)}
    if not isinstance(data, Embeddings):
        return facts
    origin = data.header.provenance
    if "dataset" in origin:
        facts = {name: origin[name] for name in facts if name in origin}
    rest = {OF_TABLE + name: value for name, value in origin.items() if name not in facts}
    return facts | rest | {OF_TABLE + "table": data.fingerprint}
