"""A toy backbone, and a batch of noise with every kind of attribute."""

from typing import Any

import pytest
import torch
from pytorch_lightning import LightningModule, Trainer
from torch import Tensor
from torch.utils.data import DataLoader

TOY: dict[str, Any] = {
    "backbone": "resnet10t",
    "weights": "random",
    "backbone_options": {
        "channels": [8, 8, 16, 16],
        "stem_width": 8,
        "input_size": 32,
        "act_layer": "leaky_relu",  # or a unit can be dead
        "zero_init_last": False,  # or the residual branches have no gradient in the first step
    },
}


@pytest.fixture
def toy() -> dict[str, Any]:
    """Keywords of any method for a backbone of 13 thousand weights."""
    torch.manual_seed(0)
    return {
        **TOY,
        "attributes": {
            "emotion": ["happy", "neutral", "sad"],
            "smiling": ["no", "yes"],
            "attractive": ["no", "yes"],
            "identity": ["a", "b", "c", "d"],
        },
    }


@pytest.fixture
def batch() -> dict[str, Tensor]:
    """Twelve random images; one label of each attribute is unknown."""
    generator = torch.Generator().manual_seed(1)
    n = torch.arange(12)
    labels = {"emotion": n % 3, "smiling": n % 2, "attractive": (n // 2) % 2, "identity": n % 4}
    image = torch.randint(256, (12, 3, 40, 40), generator=generator, dtype=torch.uint8)
    return {"image": image, "index": n, **{k: v.masked_fill(n == 5, -1) for k, v in labels.items()}}


@pytest.fixture
def fit(tmp_path):
    """Trains a module for some steps on one batch, and returns the trainer."""

    def run(module: LightningModule, batch: dict[str, Tensor], steps: int = 1) -> Trainer:
        trainer = Trainer(
            default_root_dir=tmp_path,
            accelerator="cpu",
            max_epochs=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(module, DataLoader([batch] * steps, batch_size=None))
        return trainer

    return run
