"""Warn if an epoch has no label of an attribute that the training uses."""

from collections.abc import Iterable, Mapping

import torch
from pytorch_lightning import Trainer
from pytorch_lightning.utilities.rank_zero import rank_zero_warn
from torch import Tensor


class KnownLabels:
    """Count the known labels of an epoch: without any, a loss is 0, which looks like success.

    Args:
        roles: name of an attribute -> its role in the training (task, sensitive).
    """

    def __init__(self, roles: Mapping[str, str]) -> None:
        self.roles = roles
        self.counts: dict[str, Tensor] = {}
        self.warned: set[str] = set()

    def add(self, batch: Mapping[str, Tensor]) -> None:
        """Count the known labels of a batch; no number leaves the device."""
        for name in self.roles:
            known = (batch[name] >= 0).sum()
            self.counts[name] = self.counts[name] + known if name in self.counts else known

    def warn(self, trainer: Trainer) -> None:
        """Warn, once per attribute, if no process had a known label of it since the last call."""
        counts, self.counts = self.counts, {}
        for name in self.roles:  # in one order, for all processes reduce together
            if name in self.warned or name not in counts:  # no batch
                continue
            if not torch.as_tensor(trainer.strategy.reduce(counts[name], reduce_op="sum")).any():
                self.warned.add(name)
                rank_zero_warn(
                    f"epoch {trainer.current_epoch} had no image with a known {name}, so nothing was "
                    f"learned of it ({self.roles[name]}): see the training data's labels"
                )


def roles_of(module: object, arguments: Iterable[str]) -> dict[str, str]:
    """Map the attributes that arguments of a method name, one or a list each, to the argument."""
    found: dict[str, str] = {}
    for argument in arguments:
        names = getattr(module, argument, [])
        found |= dict.fromkeys([names] if isinstance(names, str) else names, argument)
    return found
