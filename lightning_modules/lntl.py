"""Learning Not to Learn (Kim et al., CVPR 2019): features from which a bias cannot be read."""

from typing import Any, Literal

import torch
from pytorch_lightning.cli import OptimizerCallable
from pytorch_lightning.core.optimizer import LightningOptimizer
from torch import Tensor

from lightning_modules.backbones.factory import CHECKPOINT, Trainable
from lightning_modules.baseline import Baseline
from lightning_modules.layers.batchnorm import still_statistics
from lightning_modules.layers.bias_heads import BiasHeads, build_bias_head
from lightning_modules.layers.gradient_reversal import dann_ramp, reverse_gradient
from lightning_modules.layers.numerics import at_least_float32, masked_mean
from lightning_modules.training.base import Batch
from lightning_modules.training.cached_frozen_outputs import frozen_once
from lightning_modules.training.feature_layer import read_stage, shape_of_stage
from lightning_modules.training.init_weights import load_weights
from lightning_modules.training.two_players import TwoPlayers


class LNTL(TwoPlayers, Baseline):
    """A classifier whose features are trained against heads that read the sensitive attributes from them.

    `scheme: official` is the algorithm of the authors' trainer.py, two passes a batch:

    1. cross entropy of the task + lambda * mean(sum_c p log p) of each bias head; the backbone and the task's
       head step, the bias heads do not.
    2. with the weights that this gave: cross entropy of the bias heads, through a gradient reversal into the
       backbone; all step.

    `scheme: joint` is another algorithm, not the published one: both losses of one pass, one step of each.

    `refresh_steps` is ours: features learn to evade bias heads that do not keep up with them, and a new probe
    still reads what those no longer do. New batches teach the heads more than the same one again would.

    The entropy needs no label, so an image with an unknown one counts in it (as in the official code), but
    not in the cross entropy.

    Args:
        sensitive: one or more attributes that the features are to lose; a bias head is made for each.
        label_maps: maps of labels (N, maps, H, W) in the batch that `sensitive` may name beside attributes:
            {name: [maps, classes]}, e.g. {color_map: [3, 8]} of coloured MNIST.
        lambda_: weight of the bias heads' negative entropy; the default is the authors'.
        reversal: what the reversed gradient is multiplied by; the default is the authors'.
        scheme: `official` or `joint`.
        refresh_steps: batches from which the bias heads alone learn, after each from which all do; 0 as
            published.
        stage: name of the module of the network whose output the bias heads read; null is the embedding.
        pretrain_epochs: epochs before the adversary acts: the classifier trains plainly and the bias heads
            on features that they do not change, as the authors' README advises.
        start_from: checkpoint of a classifier of the same backbone and head, whose weights training starts
            from, as the authors' does from their baseline; bias heads too if it has them. (`ckpt_path` goes
            on with an interrupted training instead.)
        schedule: of `lambda_` and `reversal` from then on: `constant`, or `dann`, which ramps up from 0.
        set_to_none: of the official scheme: leave out of the second step what the reversed gradient does not
            reach. False is what the authors' code did when it was written: zeros took the place of missing
            gradients, so momentum and weight decay moved the task's head a second time.
        hidden: units of the task head's dense layer; 0 makes the head linear, as in the authors' network.
        bias_hidden: units of the bias heads' hidden layer; see `bias_head.build_bias_head`.
        trainable: the part of the backbone that trains: last_stage or all.
        optimizer: of everything else; the default is the authors'. (Adam undoes the choice of `reversal`: it
            gives small gradients steps of full size, and the bias heads cannot keep up.)
        **common: the other arguments of `TwoPlayers` and `Baseline`. The authors' `adversary_optimizer` is
            SGD as above; with Adam the bias heads keep up with the features better.

    Raises:
        ValueError: attributes that the data lack, a stage that the network lacks or that does not train, or
            numbers out of range.
    """

    def __init__(
        self,
        *,
        sensitive: str | list[str],
        label_maps: dict[str, tuple[int, int]] | None = None,
        lambda_: float = 0.01,
        reversal: float = 0.1,
        scheme: Literal["official", "joint"] = "official",
        refresh_steps: int = 0,
        stage: str | None = None,
        pretrain_epochs: int = 0,
        start_from: str | None = None,
        schedule: Literal["constant", "dann"] = "constant",
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
        if min(lambda_, reversal, pretrain_epochs, refresh_steps) < 0:
            raise ValueError("lambda_, reversal, pretrain_epochs and refresh_steps cannot be negative")
        self.lambda_, self.reversal, self.schedule = lambda_, reversal, schedule
        self.refresh_steps = refresh_steps
        self.stage, self.pretrain_epochs, self.set_to_none = stage, pretrain_epochs, set_to_none
        self.start_from = start_from
        self.step = {"official": self.official_step, "joint": self.joint_step}[scheme]
        self.sensitive = [sensitive] if isinstance(sensitive, str) else sensitive
        self.bias_heads = self._make_bias_heads(label_maps or {}, bias_hidden)

    @property
    def adversary(self) -> BiasHeads:
        """The bias heads."""
        return self.bias_heads

    def _make_bias_heads(self, label_maps: dict[str, tuple[int, int]], hidden: int | None) -> BiasHeads:
        if not self.sensitive or self.task in self.sensitive:
            raise ValueError(f"sensitive: name attributes other than the task, not {self.sensitive}")
        shape = shape_of_stage(self.backbone, self.stage)
        heads = {}
        for name in self.sensitive:
            maps, classes = label_maps.get(name) or (0, len(self.classes_of("sensitive", name)))
            heads[name] = build_bias_head(shape, classes, maps=maps, hidden=hidden)
        return BiasHeads(heads)

    def setup(self, stage: str) -> None:
        """Take the weights of `start_from`; see `load_weights` for what it refuses."""
        if stage == "fit" and self.start_from:
            load_weights(self, self.start_from, may_lack="bias_heads.")

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """As the base; what training started from is in the weights."""
        super().on_save_checkpoint(checkpoint)
        checkpoint[self.CHECKPOINT_HYPER_PARAMS_KEY]["start_from"] = None

    def task_loss(self, embedding: Tensor, batch: Batch) -> Tensor:
        """Cross entropy of the samples whose task is known."""
        target = batch[self.task]
        return masked_mean(self.losses(at_least_float32(self.head(embedding)), target), target)

    def training_step(  # type: ignore[override]  # Lightning takes a tensor or a dict
        self, batch: Batch, batch_idx: int
    ) -> dict[str, Tensor]:
        """One batch, counted as one step."""
        step = self.step
        if self.current_epoch < self.pretrain_epochs:
            step = self.pretrain_step
        elif self.global_step % (1 + self.refresh_steps):
            step = self.refresh_step
        with frozen_once(self.backbone):
            terms = step(batch, *self.players())
        return self.track(loss=torch.stack(list(terms.values())).sum(), **terms)

    def pretrain_step(
        self, batch: Batch, main: LightningOptimizer, adversary: LightningOptimizer
    ) -> dict[str, Tensor]:
        """Task and bias heads learn; the bias heads do not change the features."""
        _clear(main, adversary)
        embedding, features = read_stage(self.backbone, self.inputs(batch), self.stage)
        task = self.task_loss(embedding, batch)
        bias = self.bias_heads.cross_entropy(features.detach(), batch)
        self.descend(task + bias, [adversary, main], last=True)
        return {"task": task, "bias": bias}

    def official_step(
        self, batch: Batch, main: LightningOptimizer, adversary: LightningOptimizer
    ) -> dict[str, Tensor]:
        """The authors' two passes."""
        ramp = self.ramp()
        _clear(main, set_to_none=self.set_to_none)
        embedding, features = read_stage(self.backbone, self.inputs(batch), self.stage)
        task = self.task_loss(embedding, batch)
        confidence = self.lambda_ * ramp * self.bias_heads.confidence(features)
        self.descend(task + confidence, [main], last=False)

        _clear(main, adversary, set_to_none=self.set_to_none)
        features = read_stage(self.backbone, self.inputs(batch), self.stage).features
        bias = self.bias_heads.cross_entropy(reverse_gradient(features, self.reversal * ramp), batch)
        self.descend(bias, [adversary, main], last=True)
        return {"task": task, "confidence": confidence, "bias": bias}

    def joint_step(
        self, batch: Batch, main: LightningOptimizer, adversary: LightningOptimizer
    ) -> dict[str, Tensor]:
        """Both losses of one pass."""
        ramp = self.ramp()
        _clear(main, adversary)
        embedding, features = read_stage(self.backbone, self.inputs(batch), self.stage)
        task = self.task_loss(embedding, batch)
        confidence = self.lambda_ * ramp * self.bias_heads.confidence(features)
        bias = self.bias_heads.cross_entropy(reverse_gradient(features, self.reversal * ramp), batch)
        self.descend(task + confidence + bias, [adversary, main], last=True)
        return {"task": task, "confidence": confidence, "bias": bias}

    def refresh_step(
        self, batch: Batch, main: LightningOptimizer, adversary: LightningOptimizer
    ) -> dict[str, Tensor]:
        """The bias heads learn from features that stay as they are, running statistics included."""
        _clear(adversary)
        with torch.no_grad(), still_statistics(self.backbone):
            features = read_stage(self.backbone, self.inputs(batch), self.stage).features
        bias = self.bias_heads.cross_entropy(features, batch)
        self.descend(bias, [adversary], last=True)
        return {"bias": bias}

    def ramp(self) -> float:
        """By what `lambda_` and `reversal` are multiplied in this batch."""
        if self.schedule == "constant":
            return 1.0
        start = self.pretrain_epochs * self.trainer.num_training_batches
        total = self.trainer.estimated_stepping_batches
        return dann_ramp((self.global_step - start) / (total - start))


def _clear(*optimizers: LightningOptimizer, set_to_none: bool = True) -> None:
    for optimizer in optimizers:
        optimizer.optimizer.zero_grad(set_to_none=set_to_none)
