"""All that the splits of a dataset of image files hold, for tests to look at."""

from typing import TypeVar

import torch

from datamodules.file_faces import FileFaces

Faces = TypeVar("Faces", bound=FileFaces)


def set_up(datamodule: Faces) -> Faces:
    """The same, with its three splits built."""
    for stage in ("fit", "test"):
        datamodule.setup(stage)
    return datamodule


def read_whole(datamodule: FileFaces, split) -> dict[str, torch.Tensor]:
    """All batches of a split in one."""
    batches = list(datamodule.loader(split))
    return {key: torch.cat([batch[key] for batch in batches]) for key in batches[0]}


def check_contract(whole: dict[str, torch.Tensor], datamodule: FileFaces) -> None:
    """`whole`, a split in order, is what `FaceBatch` and the datamodule promise."""
    assert set(whole) == {"image", "index", *datamodule.attributes}
    assert whole["image"].shape[1:] == (3, datamodule.size, datamodule.size)
    assert whole["image"].dtype == torch.uint8
    assert all(v.dtype == torch.int64 and v.ndim == 1 for k, v in whole.items() if k != "image")
    assert whole["index"].tolist() == list(range(len(whole["index"])))


def files_of_splits(datamodule: FileFaces) -> list[set[str]]:
    """Names of the image files of train, val and test."""
    return [set(datamodule.table.file[datamodule.table.split == i].tolist()) for i in range(3)]
