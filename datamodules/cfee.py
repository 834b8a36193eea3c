"""CFEE: 230 subjects in 22 categories of facial expression (Du, Tao and Martinez, PNAS 2014)."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pytorch_lightning.utilities import rank_zero_warn

from datamodules.annotations.cfee_files import CfeeFiles, class_name, read_cfee_files, read_genders
from datamodules.annotations.face_table import FaceTable
from datamodules.annotations.group_split import check_shares, split_groups
from datamodules.annotations.label_table import GENDERS
from datamodules.contract import Attributes
from datamodules.errors import DatasetError
from datamodules.file_faces import FileFaces
from storage.checksums import json_sha256

EMOTIONS = ("neutral", "happy", "sad", "angry", "surprised", "disgusted")
"""The six of the thesis, which leaves out fear, as its images are few and noisy."""

SUBJECTS, IMAGES = 230, 5_954
"""Of the complete release, which has 26 emotion ids."""


class CFEE(FileFaces):
    """CFEE with subject-disjoint splits; images as (3, size, size) uint8 RGB.

    Attributes of a batch are `emotion` (in the order asked for), `identity` (the number of the subject) and
    `gender`, which CFEE does not include: it is -1 unless `gender_csv` gives it. As a rule every subject
    shows every emotion once. A random split therefore tests on subjects whose other emotions were trained on:
    identity and gender can be memorised, and knowing the subject rules emotions out.

    Args:
        root: the folder CFEE_Database_230, or its parent.
        emotions: names from the spreadsheet, case ignored; null takes all that it lists.
        gender_csv: file with the columns `subject` and `gender` (female or male); null leaves gender unknown.
        split: `subject` assigns whole subjects to train, val and test; `random` assigns images, as the thesis
            may have done, and warns. Its 80 % for training and 20 % for test leave no image to choose a
            checkpoint by: the default shares keep the first number, (0.64, 0.16, 0.2) keeps the second.
        shares: of the subjects, or images, in train, val and test.
        split_seed: of the split, apart from the seed of the training, which leaves the splits as they are.
        **options: see `FileFaces`.
    """

    def __init__(
        self,
        root: str,
        emotions: Sequence[str] | None = EMOTIONS,
        gender_csv: str | None = None,
        split: Literal["subject", "random"] = "subject",
        shares: tuple[float, float, float] = (0.8, 0.1, 0.1),
        split_seed: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(root, **options)
        self.emotions = None if emotions is None else tuple(map(class_name, emotions))
        if self.emotions is not None and (not self.emotions or len(set(self.emotions)) < len(self.emotions)):
            raise ValueError(f"emotions must be different names, or null for all; got {list(emotions or ())}")
        check_shares(shares)
        self.gender_csv = None if gender_csv is None else Path(gender_csv).expanduser()
        self.split, self.shares, self.split_seed = split, shares, split_seed
        if self.emotions is not None:  # else they are read from the spreadsheet
            self.check_samples({"emotion": self.emotions, "gender": GENDERS})

    @cached_property
    def files(self) -> CfeeFiles:
        """The files under `root`, read once; raises `DatasetError` if they are missing or damaged."""
        return read_cfee_files(self.root)

    @cached_property
    def attributes(self) -> Attributes:
        """Class names: subjects from the names of image files, emotions from the spreadsheet.

        Raises:
            DatasetError: the spreadsheet lacks an emotion that is asked for; names those that it has.
        """
        known = tuple(self.files.names.values())
        for name in self.emotions or ():
            if name not in known:
                raise DatasetError(
                    f"{self.root}: the spreadsheet has no emotion {name!r}; it has {', '.join(known)}"
                )
        people = tuple(np.unique(self.files.subject).tolist())
        return {"emotion": self.emotions or known, "identity": people, "gender": GENDERS}

    def _emotion(self) -> np.ndarray:
        """Label each image with its emotion, (n,); -1 if it is not asked for or not in the spreadsheet."""
        names, classes = self.files.names, list(self.attributes["emotion"])
        label = {i: classes.index(name) for i, name in names.items() if name in classes}
        unnamed = sorted(set(self.files.emotion_id.tolist()) - names.keys())
        if unnamed and self.emotions is None:
            rank_zero_warn(
                f"{self.root}: images of {unnamed} are left out, the spreadsheet has no such emotion ids"
            )
        return np.array([label.get(i, -1) for i in self.files.emotion_id.tolist()])

    def _gender(self, identity: np.ndarray) -> np.ndarray:
        """Label each image with its gender, (n,), from the user's list."""
        known = {} if self.gender_csv is None else read_genders(self.gender_csv)
        people = np.array([known.get(subject, -1) for subject in self.attributes["identity"]])
        if self.gender_csv is not None and (people < 0).any():
            rank_zero_warn(
                f"{self.gender_csv}: {(people < 0).sum()} of {len(people)} people have no gender in it"
            )
        return people[identity]

    def _deal(self, file: np.ndarray, identity: np.ndarray) -> np.ndarray:
        """Assign each image to a split, (n,)."""
        if self.split == "subject":  # of all subjects, whatever emotions are asked for
            return split_groups(np.array(self.attributes["identity"]), self.shares, self.split_seed)[identity]
        return split_groups(file, self.shares, self.split_seed)

    def read_table(self) -> FaceTable:
        """Read the images of the emotions asked for; raise `DatasetError` if files are missing or damaged."""
        emotion = self._emotion()
        asked = emotion >= 0
        file, emotion = self.files.file[asked], emotion[asked]
        identity = np.searchsorted(self.attributes["identity"], self.files.subject[asked])
        labels = {"emotion": emotion, "identity": identity, "gender": self._gender(identity)}
        facts = [file.tolist(), {name: column.tolist() for name, column in labels.items()}, self.attributes]
        return FaceTable(
            folder=self.files.folder,
            file=file,
            split=self._deal(file, identity),
            labels=labels,
            digest=json_sha256(facts, sort_keys=False),
            published=SUBJECTS * len(self.emotions) if self.emotions else IMAGES,
        )
