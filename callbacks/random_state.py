"""Lets training that goes on from a checkpoint draw the random numbers that it would have drawn."""

from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor


class RandomState(Callback):
    """Keeps the state of torch's generators in checkpoints: dropout and stochastic depth draw from them.

    Every process gets that of the first one; they start from one seed and draw alike.
    """

    def __init__(self) -> None:
        self._loaded: dict[str, Tensor] = {}

    def state_dict(self) -> dict[str, Any]:
        """The states (uint8) of the processor's generator and, where there is one, of the current GPU's."""
        states = {"cpu": torch.random.get_rng_state()}
        if torch.cuda.is_available():
            states["cuda"] = torch.cuda.get_rng_state()
        return states

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Keep the states until training starts: what is set up before may draw too."""
        self._loaded = state_dict

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Go on from the states of the checkpoint."""
        if "cpu" in self._loaded:
            torch.random.set_rng_state(self._loaded["cpu"].cpu())
        if "cuda" in self._loaded and torch.cuda.is_available():
            torch.cuda.set_rng_state(self._loaded["cuda"].cpu())
        self._loaded = {}
