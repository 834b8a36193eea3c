"""People whose points say what they are, and a module whose representation each epoch is given."""

import torch
from torch import nn

from datamodules.base import FaceDataModule
from tests.support.callback_dummies import Columns, OneWeight


def columns(split, people=10, noise=0.0, cut=0, traits=0):
    """Each person shows every combination of emotion and gender; a point's coordinates say which.

    `traits` more coordinates are the person's own.
    """
    n = 4 * people - cut
    emotion, gender = torch.arange(n) % 2, torch.arange(n) // 2 % 2
    first = 1000 * ["train", "val", "test"].index(split)
    generator = torch.Generator().manual_seed(first)
    point = torch.stack([emotion, gender], 1) * 2.0 - 1
    point += noise * torch.randn(n, 2, generator=generator)
    person = torch.arange(n) // 4
    own = 3 * torch.randn(people, traits, generator=generator)[person]
    return {
        "point": torch.cat([point, own], 1),
        "emotion": emotion,
        "gender": gender,
        "identity": first + person,
    }


class People(FaceDataModule):
    attributes = {"identity": ["somebody"], "emotion": ["sad", "happy"], "gender": ["female", "male"]}
    fingerprint = "0"

    def __init__(self, batch_size=7, **options):
        super().__init__(batch_size=batch_size)
        self.options = options

    def make_dataset(self, split):
        return Columns(columns(split, **self.options))


class Following(OneWeight):
    """The embedding is the point times the epoch's gain, the backbone's output the point itself."""

    def __init__(self, *gains):
        super().__init__()
        self.backbone, self.gains = nn.Identity(), torch.tensor(gains)
        self.register_buffer("gain", torch.ones(self.gains.shape[1]))

    def training_step(self, batch, batch_idx):
        self.gain.copy_(self.gains[self.current_epoch])
        return super().training_step(batch, batch_idx)

    def inputs(self, batch):
        return batch["point"]

    def embed(self, point):
        assert not self.training
        return self.backbone(point) * self.gain

    def validation_step(self, batch, batch_idx):
        return {"embedding": self.embed(batch["point"]), "identity": batch["identity"]}

    test_step = validation_step
