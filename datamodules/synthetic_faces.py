"""Embedded synthetic faces: a controlled testbed, drawn on the fly from (seed, index), without files."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import torch

from datamodules.base import FaceDataModule
from datamodules.contract import SPLITS, Attributes, Split
from datamodules.synthetic.face_renderer import RENDERER_VERSION, check_size
from datamodules.synthetic.label_joint import CLASSES, Correlation, label_joint
from datamodules.synthetic.synthetic_face_dataset import SyntheticFaceDataset
from storage.checksums import json_sha256

DEFAULT_SIZE = 64

MIN_IDENTITIES = 12  # one for each combination of gender, ethnicity and attractive
MIN_IMAGES = len(CLASSES["emotion"])


class SyntheticFaces(FaceDataModule):
    """Parametric faces with known causes: identity, gender, ethnicity, emotion, smiling, attractiveness.

    Emotions are drawn through FACS action units, smiling is the emotion happy, `attractive` is a noisy
    judgement of an identity's geometry. Gender, ethnicity and attractive belong to the identity, and are
    spread evenly over the identities of each split (to within three), as are the emotions over an identity's
    images unless it has a habit. Any two attributes can be correlated; all others are independent.

    Args:
        size: height and width in pixels, 32 to 224; null is 64. (The command line passes a value on to a
            dataset that replaces this one; null does no harm there.)
        train_identities: identities of the training split, at least 12.
        val_identities: identities of the validation split, none of them in training.
        test_identities: identities of the test split, none of them in the others.
        images_per_identity: images of each identity and split, at least 6.
        seen_identities: validation and test hold new images of the training split's identities instead; their
            own numbers of identities are not used.
        habit: share of a training identity's images that show one and the same emotion, as in photo
            collections; at 0 all identities show all emotions evenly. The more habit, the more of the emotion
            a recogniser trained on identity keeps. Validation and test stay even.
        correlations: which attributes follow which, and how strongly in each split.
        **loading: batch_size, num_workers, seed (of every draw), flip and train_order; see `FaceDataModule`.

    Raises:
        ValueError: a size, count or correlation that cannot be drawn.
    """

    def __init__(
        self,
        *,
        size: int | None = None,
        train_identities: int = 400,
        val_identities: int = 100,
        test_identities: int = 200,
        images_per_identity: int = 20,
        seen_identities: bool = False,
        habit: float = 0.0,
        correlations: list[Correlation] | None = None,
        **loading: Any,
    ) -> None:
        super().__init__(**loading)
        size = DEFAULT_SIZE if size is None else size
        check_size(size)
        counts = (train_identities, val_identities, test_identities)
        if min(counts) < MIN_IDENTITIES or images_per_identity < MIN_IMAGES:
            raise ValueError(
                f"to see each class, every split needs {MIN_IDENTITIES} identities or more, "
                f"of {MIN_IMAGES} images or more"
            )
        if not 0 <= habit <= 1:
            raise ValueError(f"habit is a share between 0 and 1, not {habit}")
        self.habit = habit
        self.size, self.images_per_identity, self.seen_identities = size, images_per_identity, seen_identities
        self.identities: dict[Split, int] = dict(zip(SPLITS, counts, strict=True))
        self.correlations: Sequence[Correlation] = correlations or ()
        self.joints = {split: label_joint(self.correlations, split) for split in SPLITS}
        people = [joint.sum(-1) for joint in self.joints.values()]
        if seen_identities and not all(torch.allclose(people[0], p) for p in people):
            raise ValueError(
                "with seen_identities, correlations of identity labels must be equal in all splits"
            )

    @property
    def attributes(self) -> Attributes:
        """Class names; identities are numbered over all splits, those of training first."""
        people = self.identities["train"] if self.seen_identities else sum(self.identities.values())
        return {"identity": tuple(f"person_{i:05d}" for i in range(people)), **CLASSES}

    @property
    def fingerprint(self) -> str:
        """sha256 of every setting that an image or a label depends on."""
        names = ("size", "identities", "images_per_identity", "seen_identities", "habit", "seed")
        correlations = [asdict(c) for c in self.correlations]
        settings = {"renderer": RENDERER_VERSION, "correlations": correlations}
        return json_sha256(settings | {name: getattr(self, name) for name in names})

    def make_dataset(self, split: Split) -> SyntheticFaceDataset:
        """Build one split; only the traits of its identities are drawn."""
        identity_split: Split = "train" if self.seen_identities else split
        before = SPLITS[: SPLITS.index(identity_split)]
        return SyntheticFaceDataset(
            self.joints[split],
            identity_joint=self.joints[identity_split],
            split=split,
            identity_split=identity_split,
            first_identity=sum(self.identities[s] for s in before),
            identities=self.identities[identity_split],
            images_per_identity=self.images_per_identity,
            habit=self.habit if split == "train" else 0.0,
            size=self.size,
            seed=self.seed,
        )
