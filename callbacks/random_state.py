"""Store the random state in checkpoints, for a bit-exact resume."""

from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor


class RandomState(Callback):
    """Store the state of torch's generators, from which dropout and stochastic depth draw, in checkpoints.

    Every process restores that of the first; they all start from one seed and draw alike.
    """

    def __init__(self) -> None:
        self._loaded: dict[str, Tensor] = {}

    def state_dict(self) -> dict[str, Any]:
        """Return the states (uint8) of the CPU's generator and, if there is one, of the current GPU's."""
        states = {"cpu": torch.random.get_rng_state()}
        if torch.cuda.is_available():
            states["cuda"] = torch.cuda.get_rng_state()
        return states

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Keep the states until training starts, as setup may draw numbers too."""
        self._loaded = state_dict

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Restore the states of the checkpoint."""
        if "cpu" in self._loaded:
            torch.random.set_rng_state(self._loaded["cpu"].cpu())
        if "cuda" in self._loaded and torch.cuda.is_available():
            torch.cuda.set_rng_state(self._loaded["cuda"].cpu())
        self._loaded = {}
