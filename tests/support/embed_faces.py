"""Small images of noise to embed, and a small network as a file."""

import time
from pathlib import Path

import torch

from datamodules.base import FaceDataModule
from datamodules.contract import SPLITS, FaceDataset
from datamodules.loading.counter_rng import uniform
from lightning_modules.backbones.factory import build_backbone, save_backbone

SIZES = {"train": 37, "val": 11, "test": 22}
TOY = {"channels": [8, 8, 8, 8], "stem_width": 8, "input_size": 32, "act_layer": "leaky_relu"}
"""No unit of it is dead, whatever its weights."""


class NoiseImages(FaceDataset):
    def __init__(self, split, pause):
        self.split, self.pause = split, pause

    def __len__(self):
        return SIZES[self.split]

    def labels(self, index):
        return {"identity": index // 3, "gender": index % 2 - (index == 4).long()}

    def read(self, index):
        time.sleep(self.pause)
        places = (index.view(-1, 1, 1, 1), torch.arange(3).view(-1, 1, 1), torch.arange(16).view(-1, 1))
        image = uniform(0, 1, torch.tensor(SPLITS.index(self.split)), *places, torch.arange(16))
        return {"image": (image * 255).byte(), **self.labels(index)}


class Noise(FaceDataModule):
    """Splits that do not divide by anything.

    Args:
        pause: seconds that reading a batch takes.
        mark: part of the fingerprint alone.
    """

    attributes = {"identity": tuple("abcdefghijklm"), "gender": ("female", "male")}

    def __init__(
        self, pause: float = 0.0, mark: str = "0", batch_size: int = 4, num_workers: int = 0
    ) -> None:
        super().__init__(batch_size=batch_size, num_workers=num_workers)
        self.pause, self.fingerprint = pause, mark

    fingerprint = ""

    def make_dataset(self, split):
        return NoiseImages(split, self.pause)


def write_network(path: Path, seed: int = 0) -> Path:
    torch.manual_seed(seed)
    save_backbone(build_backbone("resnet10t", trainable="all", options=TOY), path, made_by="", figures={})
    return path
