"""Changes to an embedding table as it is read: crossed attributes, reassigned splits."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import torch
from pytorch_lightning.utilities import rank_zero_warn
from torch import Tensor

from datamodules.annotations.group_split import split_groups
from datamodules.contract import Attributes
from datamodules.errors import DatasetError
from datamodules.tables.embedding_table import EmbeddingTable


def with_crossed_names(attributes: Attributes, crossed: Mapping[str, Sequence[str]]) -> Attributes:
    """Add the class names of crossed attributes, such as `female, caucasian`.

    Raises:
        DatasetError: an attribute does not exist, or a name is taken.
    """
    for name, parts in crossed.items():
        missing = [part for part in parts if part not in attributes]
        if name in attributes or missing or not parts:
            what = f"no attribute {missing[0]!r}" if missing else f"{name!r} needs another name and parts"
            raise DatasetError(f"crossed: {what}; the table has {', '.join(attributes)}")
    joined = {
        name: tuple(", ".join(x) for x in product(*(attributes[part] for part in parts)))
        for name, parts in crossed.items()
    }
    return {**attributes, **joined}


def cross_labels(table: EmbeddingTable, crossed: Mapping[str, Sequence[str]]) -> EmbeddingTable:
    """Add a label (n,) for each crossed attribute, -1 where one of its parts is unknown."""
    names = with_crossed_names(table.attributes, crossed)
    made = {}
    for name, parts in crossed.items():
        label = torch.zeros(len(table), dtype=torch.int64)
        for part in parts:
            label = label * len(table.attributes[part]) + table.labels[part]
        known = torch.stack([table.labels[part] >= 0 for part in parts]).all(0)
        made[name] = label.where(known, -1)
    attributes = {name: tuple(classes) for name, classes in names.items()}
    return replace(table, labels={**table.labels, **made}, attributes=attributes)


def dealt_image_by_image(sample_id: np.ndarray, shares: Sequence[float]) -> Tensor:
    """Assign samples to splits one by one, (n,) int8, and warn that a subject may be in several."""
    rank_zero_warn(
        "image_shares: images are dealt to the splits one by one, so a person may be in training and test, "
        "and what is read of people may be remembered"
    )
    return torch.from_numpy(split_groups(sample_id, shares))
