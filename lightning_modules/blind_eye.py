"""Turning a Blind Eye (Alvi et al., ECCV 2018 workshops): features that confuse a bias classifier."""

from typing import Any

import torch
from pytorch_lightning.core.optimizer import LightningOptimizer
from torch import Tensor, nn

from lightning_modules.layers.batchnorm import freeze_batchnorm_stats
from lightning_modules.layers.numerics import at_least_float32, masked_mean
from lightning_modules.training.adversarial import without_gradients_of
from lightning_modules.training.base import Batch
from lightning_modules.training.sensitive_classifier import AdversarialClassifier


class BlindEye(AdversarialClassifier):
    """Train a classifier in turn with a linear head that predicts the sensitive attribute.

    In every `main_every`-th epoch, the first included, backbone and task head minimise
    L_task + alpha * L_conf, where L_conf is the cross entropy between the bias head's prediction and the
    uniform distribution, the paper's confusion loss. In the other epochs the bias head minimises its own
    cross entropy on features that stay as they are.

    Schedule and defaults are those of princetonvisualai/DomainBiasMitigation, models/celeba_uniconf_adv.py.
    Two differences from that code: it lets the BatchNorm statistics of the backbone move in the bias head's
    epochs, here they do not; and its task head is linear, here it is the head that all methods share.

    Args:
        alpha: weight of the confusion loss.
        main_every: epochs from one of backbone and task head to the next; at least 2.
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

    def training_step(self, batch: Batch, batch_idx: int) -> dict[str, Tensor]:
        """Train on a batch, by the optimizer whose epoch it is."""
        encoder, adversary = self.encoder_and_adversary()
        if self.current_epoch % self.main_every == 0:
            return self.encoder_step(batch, encoder)
        return self.bias_step(batch, adversary)

    def encoder_step(self, batch: Batch, encoder: LightningOptimizer) -> dict[str, Tensor]:
        """Train backbone and task head: learn the task, and confuse the bias head."""
        encoder.optimizer.zero_grad()
        output = self.forward_batch(batch)
        task = self.task_loss(output.logits, batch)
        with without_gradients_of(self.adversary):
            logits = at_least_float32(self.adversary(output.embedding))
        confusion = masked_mean(confusion_losses(logits), batch[self.sensitive])
        loss = task + self.alpha * confusion
        self.backward_and_step(loss, [encoder], last=True)
        return self.log_running_means(loss=loss, task=task, confusion=confusion)

    def bias_step(self, batch: Batch, adversary: LightningOptimizer) -> dict[str, Tensor]:
        """Train the bias head on features that stay as they are."""
        adversary.optimizer.zero_grad()
        with torch.no_grad(), freeze_batchnorm_stats(self.backbone):
            embedding = at_least_float32(self.backbone(self.inputs(batch)))
        bias = self.sensitive_loss(at_least_float32(self.adversary(embedding)), batch)
        self.backward_and_step(bias, [adversary], last=True)
        return self.log_running_means(loss=bias, bias=bias)


def confusion_losses(logits: Tensor) -> Tensor:
    """Compute -(1/K) sum_k log p_k (N,) in nats of logits (N, K); its minimum, log K, is at the uniform p."""
    return -logits.log_softmax(1).mean(1)
