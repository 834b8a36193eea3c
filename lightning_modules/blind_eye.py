"""Turning a Blind Eye (Alvi et al., ECCV 2018 workshops): features that confuse a bias classifier."""

from typing import Any

import torch
from pytorch_lightning.core.optimizer import LightningOptimizer
from torch import Tensor, nn

from lightning_modules.layers.batchnorm import still_statistics
from lightning_modules.layers.numerics import at_least_float32, masked_mean
from lightning_modules.training.base import Batch
from lightning_modules.training.sensitive_classifier import AdversarialClassifier


class BlindEye(AdversarialClassifier):
    """A classifier that alternates with a linear head which reads the sensitive attribute.

    In every `main_every`-th epoch, the first included, backbone and task head descend
    L_task + alpha * L_conf, where L_conf is the cross entropy between the bias head's prediction and the
    uniform distribution, the paper's confusion loss. In the other epochs the bias head descends its own cross
    entropy on features that stay as they are.

    Schedule and defaults are those of princetonvisualai/DomainBiasMitigation, models/celeba_uniconf_adv.py.
    Two differences from that code: it lets the BatchNorm statistics of the backbone move in the bias head's
    epochs, here they do not; and its task head is linear, here it is the head that all methods share.

    Args:
        alpha: weight of the confusion.
        main_every: epochs from one of the main player to the next; at least 2.
        **common: the other arguments of `AdversarialClassifier`.

    Raises:
        ValueError: a number out of range.
    """

    def __init__(self, *, alpha: float = 1.0, main_every: int = 3, **common: Any) -> None:
        super().__init__(**common)
        if alpha < 0:
            raise ValueError(f"alpha cannot be negative: {alpha}")
        if main_every < 2:
            raise ValueError(f"main_every must leave the bias head an epoch, 2 or more, not {main_every}")
        self.alpha, self.main_every = alpha, main_every
        self.adversary = nn.Linear(self.backbone.num_features, len(self.sensitive_classes))

    def training_step(  # type: ignore[override]  # Lightning takes a tensor or a dict with `loss`
        self, batch: Batch, batch_idx: int
    ) -> dict[str, Tensor]:
        """One batch for the player whose epoch it is."""
        main, adversary = self.players()
        if self.current_epoch % self.main_every == 0:
            return self.main_step(batch, main)
        return self.bias_step(batch, adversary)

    def main_step(self, batch: Batch, main: LightningOptimizer) -> dict[str, Tensor]:
        """Learn the task, and confuse the bias head."""
        main.optimizer.zero_grad()
        with main.toggle_model():
            reading = self.read(batch)
            task = self.task_loss(reading.logits, batch)
            confusion = masked_mean(
                confusion_losses(at_least_float32(self.adversary(reading.embedding))), batch[self.sensitive]
            )
            loss = task + self.alpha * confusion
            self.descend(loss, [main], last=True)
        return self.track(loss=loss, task=task, confusion=confusion)

    def bias_step(self, batch: Batch, adversary: LightningOptimizer) -> dict[str, Tensor]:
        """Learn to read the sensitive attribute from the features as they are."""
        adversary.optimizer.zero_grad()
        with torch.no_grad(), still_statistics(self.backbone):
            embedding = at_least_float32(self.backbone(self.inputs(batch)))
        with adversary.toggle_model():
            bias = self.sensitive_loss(at_least_float32(self.adversary(embedding)), batch)
            self.descend(bias, [adversary], last=True)
        return self.track(loss=bias, bias=bias)


def confusion_losses(logits: Tensor) -> Tensor:
    """-(1/K) sum_k log p_k, (N,) in nats, of logits (N, K); least, log K, where all are as likely."""
    return -logits.log_softmax(1).mean(1)
