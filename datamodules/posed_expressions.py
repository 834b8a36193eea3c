"""Posed expressions: 1,232 frontal photographs of 29 Taiwanese performers (Chen, Cho and Tseng, 2013)."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from datamodules.annotations.face_table import FaceTable
from datamodules.annotations.group_split import check_shares, split_groups
from datamodules.annotations.posed_files import POSED, PosedFiles, read_posed_files, read_ratings
from datamodules.contract import Attributes
from datamodules.file_faces import FileFaces
from storage.checksums import json_sha256

EMOTIONS = tuple(name for name in POSED if name != "fearful")
"""Without fear, like the thesis' six of CFEE: observers see it in a fifth of its photographs alone."""

ACTING = ("theatre", "facs", "memory")
"""Ways of acting an expression: as on a stage, by the rules of FACS, or from a memory of one's own."""

IMAGES = dict(zip(POSED, (78, 226, 197, 200, 198, 151, 182), strict=True))
"""Frontal photographs of each expression in the complete release."""


class PosedExpressions(FileFaces):
    """Frontal photographs of posed expressions with subject-disjoint splits; (3, size, size) uint8 RGB.

    The release is part of the Taiwan Corpora of Chinese Emotions (Chinese Journal of Psychology 55:439-454,
    2013, doi 10.6129/CJP.20130314). Attributes of a batch are `emotion` (in the order asked for), `identity`
    (the number of the subject), `acting` (-1 for neutral faces) and, if asked for, `perceived`: the
    expression that most of some hundred observers saw, who could not answer "neutral"; -1 where two were seen
    as often.

    A subject shows every expression several times, so a random split would test on photographs that are
    nearly those of the training. 29 subjects are few: take several `split_seed`, or audit all subjects at
    once, `shares: [0, 0, 1]`, in repeated divisions into folds by subject.

    Args:
        root: folder of `faces_256x256` and, for ratings, of `Image_info.xls`.
        emotions: names of `POSED` to use; null takes all seven.
        ratings: also read the observers' ratings, as the attribute `perceived`.
        shares: of the subjects in train, val and test. The default tests more of them than other datasets do.
        split_seed: of the split, apart from the seed of the training, which leaves the splits as they are.
        **options: see `FileFaces`.
    """

    def __init__(
        self,
        root: str,
        emotions: Sequence[str] | None = EMOTIONS,
        ratings: bool = False,
        shares: tuple[float, float, float] = (0.5, 0.1, 0.4),
        split_seed: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(root, **options)
        self.emotions = POSED if emotions is None else tuple(emotions)
        unknown = [name for name in self.emotions if name not in POSED]
        if unknown or not self.emotions or len(set(self.emotions)) < len(self.emotions):
            known = ", ".join(POSED)
            raise ValueError(f"emotions must be different ones of {known}; got {list(self.emotions)}")
        check_shares(shares)
        self.ratings, self.shares, self.split_seed = ratings, shares, split_seed
        self.check_samples({"emotion": self.emotions, "acting": ACTING})

    @cached_property
    def files(self) -> PosedFiles:
        """The files under `root`, read once; raises `DatasetError` if there are none."""
        return read_posed_files(self.root)

    @cached_property
    def attributes(self) -> Attributes:
        """Class names; subjects are those of the file names."""
        subjects = tuple(np.unique(self.files.subject).tolist())
        known = {"emotion": self.emotions, "identity": subjects, "acting": ACTING}
        return known | ({"perceived": POSED[1:]} if self.ratings else {})

    def read_table(self) -> FaceTable:
        """Read the photographs of the emotions asked for; raise `DatasetError` if files are missing."""
        files, place = self.files, {name: i for i, name in enumerate(self.emotions)}
        emotion = np.array([place.get(name, -1) for name in POSED])[files.emotion]
        subjects = np.array(self.attributes["identity"])
        identity = np.searchsorted(subjects, files.subject)
        labels = {"emotion": emotion, "identity": identity, "acting": files.acting - 1}
        if self.ratings:
            labels["perceived"] = most_seen(read_ratings(self.root, files))
        asked = emotion >= 0
        labels = {name: column[asked] for name, column in labels.items()}
        file = files.file[asked]
        facts = [file.tolist(), {name: column.tolist() for name, column in labels.items()}, self.attributes]
        return FaceTable(
            folder=files.folder,
            file=file,
            # of all subjects, whatever emotions are asked for
            split=split_groups(subjects, self.shares, self.split_seed)[labels["identity"]],
            labels=labels,
            digest=json_sha256(facts, sort_keys=False),
            published=sum(IMAGES[name] for name in self.emotions),
        )


def most_seen(shares: np.ndarray) -> np.ndarray:
    """Return the column of the largest of the shares (n, 6), (n,) int; -1 where two are, or all are nan."""
    known = np.where(np.isnan(shares), 0, shares)
    largest = known == known.max(1, keepdims=True)
    return np.where(largest.sum(1) == 1, known.argmax(1), -1)
