"""Gather the samples of a split from all ranks, in the split's order."""

from typing import Any

import torch
from pytorch_lightning import LightningModule, Trainer
from torch import Tensor


class Collected:
    """Collect columns of the first samples of a split batch by batch on each rank, then gather them.

    Samples and order do not depend on the number of processes.

    Args:
        max_samples: largest number of samples of the split; None keeps all.
    """

    def __init__(self, max_samples: int | None = None) -> None:
        self.max_samples = max_samples
        self.batches: list[dict[str, Tensor]] = []
        self.samples = 0

    def full(self, trainer: Trainer) -> bool:
        """Return whether this rank needs no more samples."""
        return self._room(trainer) == 0

    def _room(self, trainer: Trainer) -> int | None:
        if self.max_samples is None:
            return None
        return max(-(-self.max_samples // trainer.world_size) - self.samples, 0)

    def add(self, trainer: Trainer, columns: dict[str, Tensor]) -> None:
        """Keep a batch's columns (n, ...), up to `max_samples`."""
        room = self._room(trainer)
        self.batches.append({name: column[:room].detach() for name, column in columns.items()})
        self.samples += len(next(iter(self.batches[-1].values())))

    def gathered(self, trainer: Trainer, module: LightningModule) -> dict[str, Tensor]:
        """Return the columns (N, ...) of all ranks, which all must call this; empty if nothing was kept.

        Raises:
            RuntimeError: the ranks hold different numbers of samples.
        """
        names = self.batches[0] if self.batches else ()
        columns = {name: torch.cat([batch[name] for batch in self.batches]) for name in names}
        if trainer.world_size > 1:
            sizes: Any = module.all_gather(torch.tensor(self.samples, device=module.device))
            if (sizes != self.samples).any():
                raise RuntimeError(
                    f"ranks hold {sizes.tolist()} samples of the split; use a sampler that pads to equal "
                    "shares"
                )
            # rank r holds samples r, r + W, ...: putting the rank second restores the order of the split
            whole: Any = module.all_gather(columns)
            columns = {name: column.transpose(0, 1).flatten(0, 1) for name, column in whole.items()}
        return {name: column[: self.max_samples] for name, column in columns.items()}
