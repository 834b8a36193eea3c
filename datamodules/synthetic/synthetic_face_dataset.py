"""One split of the synthetic faces: labels and images as a function of (seed, index)."""

import torch
from torch import Tensor

from datamodules.contract import SPLITS, FaceBatch, FaceDataset, Split
from datamodules.loading.counter_rng import uniform
from datamodules.synthetic.face_factors import Factors, compose, draw_identities, draw_shots
from datamodules.synthetic.face_renderer import render
from datamodules.synthetic.label_joint import HAPPY, pick

_GOLDEN_RATIO = 0.6180339887498949
_LABEL_STREAM, _USUAL_STREAM, _HABIT_STREAM = 100, 101, 102


def _spread(start: Tensor, count: Tensor) -> Tensor:
    """Return quantiles that fill [0, 1) evenly for any number: steps of the golden ratio from `start`."""
    return (start + count * _GOLDEN_RATIO) % 1


class SyntheticFaceDataset(FaceDataset):
    """One split; a face depends only on the seed, the split and its index.

    Args:
        joint: P(gender, ethnicity, attractive, emotion) of the split, (2, 3, 2, 6).
        identity_joint: the joint that its identities were drawn from: that of `identity_split`.
        split: the split that the images are drawn for.
        identity_split: the split that the identities belong to.
        first_identity: number and label of the first identity.
        identities: number of identities.
        images_per_identity: images of each identity.
        habit: share of an identity's images that show its one habitual emotion.
        size: height and width in pixels.
        seed: of every draw.
    """

    def __init__(
        self,
        joint: Tensor,
        *,
        identity_joint: Tensor,
        split: Split,
        identity_split: Split,
        first_identity: int,
        identities: int,
        images_per_identity: int,
        habit: float,
        size: int,
        seed: int,
    ) -> None:
        self.split, self.seed, self.size = SPLITS.index(split), seed, size
        self.images_per_identity, self.habit = images_per_identity, habit
        self.person = first_identity + torch.arange(identities)
        start = uniform(seed, _LABEL_STREAM, torch.tensor(SPLITS.index(identity_split)))
        cells = identity_joint.sum(-1)
        cell = pick(cells.flatten(), _spread(start, torch.arange(identities)))
        self.gender, self.ethnicity, self.attractive = torch.unravel_index(cell, cells.shape)
        self.emotion_odds = joint.flatten(0, 2)[cell]
        self.usual_emotion = pick(self.emotion_odds, uniform(seed, _USUAL_STREAM, self.person))
        self.z = draw_identities(seed, self.person, self.attractive)

    def __len__(self) -> int:
        return len(self.person) * self.images_per_identity

    def labels(self, index: Tensor) -> dict[str, Tensor]:
        """Return the attributes at `index` (N,), without drawing the images."""
        who, image = index // self.images_per_identity, index % self.images_per_identity
        start = uniform(self.seed, _LABEL_STREAM, torch.tensor(self.split), self.person[who])
        emotion = pick(self.emotion_odds[who], _spread(start, image))
        split = torch.tensor(self.split)
        as_usual = uniform(self.seed, _HABIT_STREAM, split, self.person[who], image) < self.habit
        emotion = torch.where(as_usual, self.usual_emotion[who], emotion)
        return {
            "identity": self.person[who],
            "gender": self.gender[who],
            "ethnicity": self.ethnicity[who],
            "emotion": emotion,
            "smiling": (emotion == HAPPY).long(),
            "attractive": self.attractive[who],
        }

    def factors(self, index: Tensor) -> Factors:
        """Return the drawing factors at `index` (N,), on the CPU."""
        return self._factors(index, self.labels(index))

    def _factors(self, index: Tensor, labels: dict[str, Tensor]) -> Factors:
        image, split = index % self.images_per_identity, torch.full_like(index, self.split)
        shot = draw_shots(self.seed, split, labels["identity"], image, labels["emotion"])
        z = self.z[index // self.images_per_identity]
        return compose(z, labels["gender"], labels["ethnicity"], shot)

    def read(self, index: Tensor) -> FaceBatch:
        """Render the faces at `index`: uint8 images and all attributes."""
        labels = self.labels(index)
        return {"image": render(self._factors(index, labels), self.size), **labels}
