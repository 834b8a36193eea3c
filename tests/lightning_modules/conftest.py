"""A toy backbone, and a batch of noise with every kind of attribute."""

from typing import Any

import pytest
import torch
from pytorch_lightning import LightningModule, Trainer
from torch import Tensor
from torch.utils.data import DataLoader

from tests.support.methods import ATTRIBUTES, TOY, noise_batch


@pytest.fixture
def toy() -> dict[str, Any]:
    """Keywords of any method for a backbone of 13 thousand weights."""
    torch.manual_seed(0)
    return {**TOY, "attributes": ATTRIBUTES}


@pytest.fixture
def batch() -> dict[str, Tensor]:
    """Twelve random images; one label of each attribute is unknown."""
    return noise_batch()


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
