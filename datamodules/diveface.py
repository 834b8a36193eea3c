"""DiveFace: 139,677 faces of 24,000 identities, balanced over two genders and three ethnic groups.

Morales et al., SensitiveNets, TPAMI 2020; the lists are at github.com/BiDAlab/DiveFace.
"""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pytorch_lightning.utilities import rank_zero_warn

from datamodules.annotations.diveface_files import ETHNICITIES, DiveFaceFiles, read_diveface_files
from datamodules.annotations.face_table import FaceTable
from datamodules.annotations.group_split import check_shares, connected_groups, split_groups
from datamodules.annotations.label_table import GENDERS
from datamodules.contract import Attributes
from datamodules.file_faces import FileFaces


def first_of_each(keys: np.ndarray, count: int | None) -> np.ndarray:
    """Return which of the (n,) samples are among the first `count` of their key, (n,) bool; None: all."""
    earlier = pd.Series(keys).groupby(keys).cumcount().to_numpy()
    return earlier < (len(keys) if count is None else count)


class DiveFace(FileFaces):
    """DiveFace from its authors' lists, or from the folders 4K_120; images as (3, size, size) uint8 RGB.

    Attributes of a batch are `gender`, `ethnicity`, `identity` and, where the files name it, `uploader`: the
    Flickr account of the photographs. The authors give no splits. Here no identity and no uploader is in two
    of them, since the photographs of an uploader share cameras, places and relatives.

    Args:
        root: folder of the six lists (or of `files/` with them), or of the folder `4K_120`.
        images: folder of the images of the lists; null is `root`.
        max_images_per_identity: keep only the first listed images of each identity, as create_diveface.py
            does with `-b` (3, which makes 72,000); null keeps all. The splits of identities do not change.
        shares: of the images in train, val and test.
        split_seed: of the split, apart from the seed of the training, which leaves the splits as they are.
        **options: see `FileFaces`.
    """

    def __init__(
        self,
        root: str,
        images: str | None = None,
        max_images_per_identity: int | None = None,
        shares: tuple[float, float, float] = (0.8, 0.1, 0.1),
        split_seed: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(root, **options)
        if max_images_per_identity is not None and max_images_per_identity < 1:
            raise ValueError(f"max_images_per_identity is {max_images_per_identity}, it must be at least 1")
        check_shares(shares)
        self.images = None if images is None else Path(images).expanduser()
        self.max_images_per_identity = max_images_per_identity
        self.shares, self.split_seed = shares, split_seed
        self.check_samples({"gender": GENDERS, "ethnicity": ETHNICITIES})

    @cached_property
    def files(self) -> DiveFaceFiles:
        """The lists, read once; raises `DatasetError` if they are missing or damaged."""
        return read_diveface_files(self.root, self.images)

    @cached_property
    def attributes(self) -> Attributes:
        """Class names; identities and uploaders are in the lists, which are read for them."""
        known = {"gender": GENDERS, "ethnicity": ETHNICITIES}
        for name in ("identity", "uploader"):
            classes = tuple(sorted(set(self.files.table[name]) - {""}))
            if classes:  # uploaders may all be unknown
                known[name] = classes
        return known

    def read_table(self) -> FaceTable:
        """Read all listed images; those beyond `max_images_per_identity` are in no split."""
        table = self.files.table
        labels = {name: table[name].to_numpy() for name in ("gender", "ethnicity")}
        for name in ("identity", "uploader"):
            if name in self.attributes:  # an unknown uploader gets the code -1
                labels[name] = pd.Categorical(table[name], categories=list(self.attributes[name])).codes
        identity, uploader = (table[name].to_numpy(dtype=np.str_) for name in ("identity", "uploader"))
        unknown = uploader == ""
        if unknown.any():
            people = len(np.unique(identity[unknown]))
            rank_zero_warn(
                f"{self.files.folder}: the uploaders of {people:,} people are unknown, so one may be in "
                "training and test"
            )
        groups = connected_groups(identity, np.where(unknown, identity, uploader))
        split = split_groups(groups, self.shares, self.split_seed)
        split[~first_of_each(identity, self.max_images_per_identity)] = -1
        file = table["file"].to_numpy(dtype=np.str_)
        return FaceTable(self.files.folder, file, split, labels, self.files.digest, self.files.published)
