"""Our additions to Learning Not to Learn: bias heads that keep up, and an adversary that is let in slowly."""

from typing import Any, Literal

import torch
from pytorch_lightning.core.optimizer import LightningOptimizer
from torch import Tensor

from lightning_modules.layers.batchnorm import freeze_batchnorm_stats
from lightning_modules.layers.gradient_reversal import dann_ramp
from lightning_modules.lntl import LNTL, zero_gradients
from lightning_modules.training.base import Batch
from lightning_modules.training.feature_layer import extract_features


class LNTLVariant(LNTL):
    """Train as `LNTL`, with batches for the bias heads alone, plain epochs before, and a ramp.

    None of the three is part of the published algorithm; with the defaults it is that of `LNTL`. Features
    learn to evade bias heads that do not keep up with them, and a new probe still reads what those no longer
    do. New batches teach the heads more than the same one again would.

    Args:
        refresh_steps: batches from which the bias heads alone learn, after each from which all do.
        pretrain_epochs: epochs before the adversary acts: the classifier trains plainly and the bias heads
            on features that they do not change. (The authors' README advises to start from a trained
            baseline.)
        schedule: of `lambda_` and `reversal` from then on: `constant`, or `dann`, which ramps up from 0.
        **common: the arguments of `LNTL`.

    Raises:
        ValueError: as `LNTL`, or a negative number of steps or epochs.
    """

    def __init__(
        self,
        *,
        refresh_steps: int = 0,
        pretrain_epochs: int = 0,
        schedule: Literal["constant", "dann"] = "constant",
        **common: Any,
    ) -> None:
        super().__init__(**common)
        if min(pretrain_epochs, refresh_steps) < 0:
            raise ValueError("pretrain_epochs and refresh_steps cannot be negative")
        self.refresh_steps, self.pretrain_epochs, self.schedule = refresh_steps, pretrain_epochs, schedule

    def step(
        self, batch: Batch, encoder: LightningOptimizer, adversary: LightningOptimizer
    ) -> dict[str, Tensor]:
        """Train by what this batch is for: pretraining, all parameters, or the bias heads alone."""
        if self.current_epoch < self.pretrain_epochs:
            return self.pretrain_step(batch, encoder, adversary)
        if self.global_step % (1 + self.refresh_steps):
            return self.refresh_step(batch, adversary)
        return self.adversarial_step(batch, encoder, adversary, self.ramp())

    def pretrain_step(
        self, batch: Batch, encoder: LightningOptimizer, adversary: LightningOptimizer
    ) -> dict[str, Tensor]:
        """Train the task, and the bias heads on features that they do not change."""
        zero_gradients(encoder, adversary)
        embedding, features = extract_features(self.backbone, self.inputs(batch), self.feature_layer)
        task = self.task_loss(embedding, batch)
        bias = self.bias_heads.cross_entropy(features.detach(), batch)
        self.backward_and_step(task + bias, [adversary, encoder], last=True)
        return {"task": task, "bias": bias}

    def refresh_step(self, batch: Batch, adversary: LightningOptimizer) -> dict[str, Tensor]:
        """Train the bias heads on features that stay as they are, running statistics included."""
        zero_gradients(adversary)
        with torch.no_grad(), freeze_batchnorm_stats(self.backbone):
            features = extract_features(self.backbone, self.inputs(batch), self.feature_layer).features
        bias = self.bias_heads.cross_entropy(features, batch)
        self.backward_and_step(bias, [adversary], last=True)
        return {"bias": bias}

    def ramp(self) -> float:
        """Return the factor of `lambda_` and `reversal` in this batch, in [0, 1]."""
        if self.schedule == "constant":
            return 1.0
        start = self.pretrain_epochs * self.trainer.num_training_batches
        total = self.trainer.estimated_stepping_batches
        return dann_ramp((self.global_step - start) / (total - start))
