"""Warnings of rounds of SensitiveNets from which nothing was learned."""

import torch
from pytorch_lightning.utilities import rank_zero_warn
from torch import Tensor


class RoundWarnings:
    """Count the triplets and the known sensitive labels of a round, and warn once each if there are none.

    Args:
        task: the attribute that holds the identity.
        sensitive: the attribute to hide.
        mining: of triplets.
    """

    def __init__(self, task: str, sensitive: str, mining: str) -> None:
        self.task, self.sensitive, self.mining = task, sensitive, mining
        self.triplets, self.labels = 0, torch.tensor(0)
        self.warned: set[str] = set()

    def add_labels(self, target: Tensor) -> None:
        """Count the known labels of a batch; no number leaves the device."""
        self.labels = self.labels.to(target.device) + (target >= 0).sum()

    def end_round(self, *, needs_triplets: bool, adversarial: bool) -> None:
        """Warn of what the round lacked, and begin to count the next.

        Args:
            needs_triplets: triplets alone separate identities.
            adversarial: a classifier learned in the round.
        """
        triplets, labels = self.triplets, int(self.labels)
        self.triplets, self.labels = 0, torch.tensor(0)
        if needs_triplets and not triplets:
            self._warn(
                f"a round found no triplet ({self.mining}), so nothing separates identities; it needs two "
                f"images of one {self.task} in a batch: set data.init_args.train_order to "
                "datamodules.train_orders.IdentityBatches, or SensitiveNetsVariant with keep: similarities"
            )
        if adversarial and not labels:
            self._warn(
                f"a round had no image with a known {self.sensitive}, so its classifier learned nothing and "
                "nothing is hidden"
            )

    def _warn(self, message: str) -> None:
        if message not in self.warned:
            self.warned.add(message)
            rank_zero_warn(f"SensitiveNets: {message}")
