"""Labeled Faces in the Wild: 13,233 images of 5,749 subjects, and pairs to verify (Huang et al., 2007)."""

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from datamodules.annotations.face_table import FaceTable
from datamodules.annotations.group_split import split_groups
from datamodules.annotations.label_table import GENDERS
from datamodules.annotations.lfw_files import IMAGES, find_folder, list_images, read_gender
from datamodules.annotations.lfw_pairs import Pairs, read_pairs, subjects_of_folds
from datamodules.contract import SPLITS, Attributes
from datamodules.errors import DatasetError
from datamodules.file_faces import FileFaces

PairFile = Literal["pairsDevTrain", "pairsDevTest", "pairs"]

TRAIN, VAL, TEST = range(len(SPLITS))


class LFW(FileFaces):
    """LFW, split by the subjects in its pair files; images as (3, size, size) uint8 RGB.

    In View 1, for development, the subjects of `pairsDevTest.txt` are for testing, and a part of those in
    `pairsDevTrain.txt` for validation. In View 2, for reporting, the subjects of one fold of `pairs.txt` are
    for testing and those of the next fold for validation. All others are for training, including subjects in
    no pair. The views share
    subjects: test a representation in the view in which it was trained.

    Attributes of a batch are `identity` (the subjects, sorted by name) and `gender` (female 0, male 1). A
    face covers less than half of the width of its image; `recipes/prepare.py` makes crops such as recognisers
    expect.

    Args:
        root: folder of `lfw-deepfunneled/` (or `lfw_funneled/`, `lfw/`) and the pair files.
        view: 1 or 2.
        fold: the fold of View 2 for testing, from 1.
        gender_csv: a CSV with the columns name and gender (female or male; the authors ship none), a path
            that is looked up below `root` first; null is `gender.csv` in `root`, if it exists.
        val_share: share for validation of the images of the subjects in `pairsDevTrain.txt`; View 1.
        split_seed: of this draw, apart from the seed of the training.
        **options: see `FileFaces`.
    """

    def __init__(
        self,
        root: str,
        view: Literal[1, 2] = 1,
        fold: int = 1,
        gender_csv: str | None = None,
        val_share: float = 0.2,
        split_seed: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(root, **options)
        if not 0 < val_share < 1:
            raise ValueError(f"val_share is {val_share}, it must lie between 0 and 1")
        if fold < 1:
            raise ValueError(f"fold is {fold}, folds are counted from 1")
        self.view, self.fold, self.gender_csv = view, fold, gender_csv
        self.val_share, self.split_seed = val_share, split_seed
        self.check_samples({"identity": (), "gender": GENDERS})  # before any file is read

    @property
    def attributes(self) -> Attributes:
        """The subjects found, and the genders; raises `DatasetError` if there are no images."""
        return {"identity": tuple(self._subjects[0].tolist()), "gender": GENDERS}

    def pairs(self, name: PairFile) -> Pairs:
        """Read the pairs of a pair file, by sample id; raise `DatasetError` if an image does not exist."""
        return read_pairs(self.root / f"{name}.txt", self._images[1])

    def read_table(self) -> FaceTable:
        """Read the images of all subjects; raise `DatasetError` if files are missing or damaged."""
        folder, files = self._images
        people, identity = self._subjects
        split, digests = self._splits()
        gender = np.full(len(people), -1, dtype=np.int8)
        path = self._gender_path()
        if path is not None:
            gender, digest = read_gender(path, people)
            digests.append(digest)
        text = "\n".join([*files.tolist(), *digests])
        return FaceTable(
            folder=folder,
            file=files,
            split=split,
            labels={"identity": identity, "gender": gender[identity]},
            digest=hashlib.sha256(text.encode()).hexdigest(),
            published=IMAGES,
        )

    @cached_property
    def _images(self) -> tuple[Path, np.ndarray]:
        """The folder of the subjects' folders, and the image files below it."""
        folder = find_folder(self.root)
        return folder, list_images(folder)

    @cached_property
    def _subjects(self) -> tuple[np.ndarray, np.ndarray]:
        """The names, sorted, and the index of the name for each image."""
        return np.unique([file.split("/")[0] for file in self._images[1].tolist()], return_inverse=True)

    def _gender_path(self) -> Path | None:
        default = self.root / "gender.csv"
        if self.gender_csv is None:
            return default if default.exists() else None
        given = Path(self.gender_csv).expanduser()
        return self.root / given if (self.root / given).exists() else given

    def _splits(self) -> tuple[np.ndarray, list[str]]:
        """Return the split of each image, (n,) int8, and the digests of the pair files that decide it."""
        names: tuple[PairFile, ...] = ("pairsDevTrain", "pairsDevTest") if self.view == 1 else ("pairs",)
        paths = [self.root / f"{name}.txt" for name in names]
        pairs = [read_pairs(path) for path in paths]  # only `pairs` needs their images to exist
        person = self._subjects[0][self._subjects[1]]
        split = np.full(len(person), TRAIN, dtype=np.int8)
        if self.view == 1:
            in_train, in_test = (subjects_of_folds(path, p)[0] for path, p in zip(paths, pairs, strict=True))
            both = np.intersect1d(in_train, in_test)
            if len(both):
                raise DatasetError(
                    f"{paths[0]} and {paths[1].name} share {len(both)} of their people, first '{both[0]}'"
                )
            dealt = np.isin(person, in_train)
            shares = (1 - self.val_share, self.val_share, 0)
            split[dealt] = split_groups(person[dealt], shares, self.split_seed)
        else:
            folds = subjects_of_folds(paths[0], pairs[0])
            if not 1 < len(folds) >= self.fold:
                raise DatasetError(f"{paths[0]}: there is no fold {self.fold} to test; it has {len(folds)}")
            split[np.isin(person, folds[self.fold % len(folds)])] = VAL
            in_test = folds[self.fold - 1]
        split[np.isin(person, in_test)] = TEST
        return split, [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
