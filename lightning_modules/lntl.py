"""Learning Not to Learn (Kim et al., CVPR 2019): features from which a bias cannot be read."""

from typing import Any

import torch
from pytorch_lightning.cli import OptimizerCallable
from pytorch_lightning.core.optimizer import LightningOptimizer
from torch import Tensor

from lightning_modules.backbones.factory import CHECKPOINT, Trainable
from lightning_modules.baseline import Baseline
from lightning_modules.layers.bias_heads import BiasHeads, build_bias_head
from lightning_modules.layers.gradient_reversal import reverse_gradient
from lightning_modules.layers.numerics import at_least_float32, masked_mean
from lightning_modules.training.adversarial import AdversarialTraining, without_gradients_of
from lightning_modules.training.base import Batch
from lightning_modules.training.cached_frozen_outputs import cache_frozen_outputs
from lightning_modules.training.feature_layer import extract_features, feature_shape
from lightning_modules.training.init_weights import init_weights_from


class LNTL(AdversarialTraining, Baseline):
    """Train a classifier against heads that read the sensitive attributes from its features, as published.

    The algorithm is that of the authors' trainer.py (feidfoe/learning-not-to-learn), two passes a batch:

    1. L = cross entropy of the task + lambda * mean(sum_c p log p) of each bias head. Backbone and task head
       take a step, the bias heads do not.
    2. With the weights that this gave: cross entropy of the bias heads, through a gradient reversal into the
       backbone. All take a step.

    The entropy needs no label, so an image with an unknown one counts in it (as in the official code), but
    not in the cross entropy. `lntl_variant.LNTLVariant` holds what we add.

    Args:
        sensitive: one or more attributes that the features are to lose; a bias head is made for each.
        label_maps: maps of labels (N, maps, H, W) in the batch that `sensitive` may name beside attributes:
            {name: [maps, classes]}, e.g. {color_map: [3, 8]} of coloured MNIST.
        lambda_: weight of the bias heads' negative entropy; the default is the authors'.
        reversal: factor of the reversed gradient; the default is the authors'.
        feature_layer: name of the module of the network whose output the bias heads read; null is the
            embedding.
        start_from: checkpoint of a classifier with the same backbone and head, from whose weights training
            starts, as the authors' starts from their baseline; with bias heads, from theirs too. (`ckpt_path`
            resumes an interrupted training instead.)
        set_to_none: leave parameters that the reversed gradient does not reach out of the second step. False
            is what the authors' code did when it was written: zeros took the place of missing gradients, so
            momentum and weight decay moved the task's head a second time.
        hidden: units of the task head's dense layer; 0 makes the head linear, as in the authors' network.
        bias_hidden: units of the bias heads' hidden layer; see `bias_heads.build_bias_head`.
        trainable: the part of the backbone that trains: last_stage or all.
        optimizer: of everything but the bias heads; the default is the authors'. (Adam undoes the choice of
            `reversal`: it gives small gradients steps of full size, and the bias heads cannot keep up.)
        **common: the other arguments of `AdversarialTraining` and `Baseline`. The authors'
            `adversary_optimizer` is SGD as above; with Adam the bias heads keep up with the features better.

    Raises:
        ValueError: attributes that the data lack, a feature layer that the network lacks or that does not
            train, or numbers out of range.
    """

    def __init__(
        self,
        *,
        sensitive: str | list[str],
        label_maps: dict[str, tuple[int, int]] | None = None,
        lambda_: float = 0.01,
        reversal: float = 0.1,
        feature_layer: str | None = None,
        start_from: str | None = None,
        set_to_none: bool = False,
        hidden: int = 1024,
        bias_hidden: int | None = None,
        trainable: Trainable = "last_stage",
        optimizer: OptimizerCallable = lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, weight_decay=5e-4),
        **common: Any,
    ) -> None:
        if start_from and common.get("weights") is None:
            common["weights"] = CHECKPOINT
        super().__init__(trainable=trainable, hidden=hidden, optimizer=optimizer, **common)
        if min(lambda_, reversal) < 0:
            raise ValueError("lambda_ and reversal cannot be negative")
        self.lambda_, self.reversal = lambda_, reversal
        self.feature_layer, self.start_from, self.set_to_none = feature_layer, start_from, set_to_none
        self.sensitive = [sensitive] if isinstance(sensitive, str) else sensitive
        self.bias_heads = self._make_bias_heads(label_maps or {}, bias_hidden)

    @property
    def adversary(self) -> BiasHeads:
        """The bias heads."""
        return self.bias_heads

    def _make_bias_heads(self, label_maps: dict[str, tuple[int, int]], hidden: int | None) -> BiasHeads:
        if not self.sensitive or self.task in self.sensitive:
            raise ValueError(f"sensitive: name attributes other than the task, not {self.sensitive}")
        shape = feature_shape(self.backbone, self.feature_layer)
        heads = {}
        for name in self.sensitive:
            maps, classes = label_maps.get(name) or (0, len(self.classes_of("sensitive", name)))
            heads[name] = build_bias_head(shape, classes, maps=maps, hidden=hidden)
        return BiasHeads(heads)

    def setup(self, stage: str) -> None:
        """Take the weights of `start_from`; see `init_weights_from` for what it refuses."""
        if stage == "fit" and self.start_from:
            init_weights_from(self, self.start_from, may_lack="bias_heads.")

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store hyper-parameters as the base does, without `start_from`, whose values are in the weights."""
        super().on_save_checkpoint(checkpoint)
        checkpoint[self.CHECKPOINT_HYPER_PARAMS_KEY]["start_from"] = None

    def task_loss(self, embedding: Tensor, batch: Batch) -> Tensor:
        """Compute the cross entropy of the samples whose task is known."""
        target = batch[self.task]
        return masked_mean(self.losses(at_least_float32(self.head(embedding)), target), target)

    def confusion(self, features: Tensor) -> Tensor:
        """Compute the bias heads' negative entropy; its gradient reaches the features, not the heads."""
        with without_gradients_of(self.bias_heads):
            return self.bias_heads.confidence(features)

    def training_step(  # type: ignore[override]  # Lightning takes a tensor or a dict
        self, batch: Batch, batch_idx: int
    ) -> dict[str, Tensor]:
        """Train on a batch, which counts as one step."""
        with cache_frozen_outputs(self.backbone):
            terms = self.step(batch, *self.encoder_and_adversary())
        return self.log_running_means(loss=torch.stack(list(terms.values())).sum(), **terms)

    def step(
        self, batch: Batch, encoder: LightningOptimizer, adversary: LightningOptimizer
    ) -> dict[str, Tensor]:
        """Train by the published algorithm; returns the loss terms."""
        return self.adversarial_step(batch, encoder, adversary)

    def adversarial_step(
        self, batch: Batch, encoder: LightningOptimizer, adversary: LightningOptimizer, ramp: float = 1.0
    ) -> dict[str, Tensor]:
        """Take the authors' two passes with `ramp` times `lambda_` and `reversal`."""
        zero_gradients(encoder, set_to_none=self.set_to_none)
        embedding, features = extract_features(self.backbone, self.inputs(batch), self.feature_layer)
        task = self.task_loss(embedding, batch)
        confidence = ramp * self.lambda_ * self.confusion(features)
        self.backward_and_step(task + confidence, [encoder], last=False)

        zero_gradients(encoder, adversary, set_to_none=self.set_to_none)
        features = extract_features(self.backbone, self.inputs(batch), self.feature_layer).features
        bias = self.bias_heads.cross_entropy(reverse_gradient(features, ramp * self.reversal), batch)
        self.backward_and_step(bias, [adversary, encoder], last=True)
        return {"task": task, "confidence": confidence, "bias": bias}


def zero_gradients(*optimizers: LightningOptimizer, set_to_none: bool = True) -> None:
    """Clear the gradients of some optimizers."""
    for optimizer in optimizers:
        optimizer.optimizer.zero_grad(set_to_none=set_to_none)
