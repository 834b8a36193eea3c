"""LAFTR: learning adversarially fair and transferable representations (Madras et al., ICML 2018)."""

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from lightning_modules.layers.batchnorm import freeze_batchnorm_stats
from lightning_modules.layers.numerics import at_least_float32
from lightning_modules.training.adversarial import without_gradients_of
from lightning_modules.training.base import Batch
from lightning_modules.training.cached_frozen_outputs import cache_frozen_outputs
from lightning_modules.training.sensitive_classifier import AdversarialClassifier


class LAFTR(AdversarialClassifier):
    """Train a classifier against an adversary whose loss weighs every group alike, whatever its size.

    L = L_task - gamma * L_adv. Backbone and task head take a step on L, then the adversary takes one on L_adv
    of the new features, once a batch each, as in the authors' code (VectorInstitute/laftr), whose defaults
    are taken. Its reconstruction term is left out: the authors' weight for it is 0.

    The embedding here is the backbone's own; the authors' code adds an encoder to 8 dimensions. With several
    processes the groups' means are those of each process' own batch.

    Args:
        fairness: the fairness criterion. `demographic_parity`: groups are the sensitive classes.
            `equalised_odds`: groups are the pairs of sensitive and task class, and the adversary's input is
            the embedding with the task's class appended.
        gamma: weight of the adversary's loss.
        adversary_hidden: units of the adversary's dense layer.
        **common: the other arguments of `AdversarialClassifier`.

    Raises:
        ValueError: an unknown `fairness`, or a negative gamma.
    """

    def __init__(
        self,
        *,
        fairness: Literal["demographic_parity", "equalised_odds"] = "demographic_parity",
        gamma: float = 1.0,
        adversary_hidden: int = 8,
        **common: Any,
    ) -> None:
        super().__init__(**common)
        if fairness not in ("demographic_parity", "equalised_odds"):
            raise ValueError(f"fairness is demographic_parity or equalised_odds, not {fairness!r}")
        if gamma < 0:
            raise ValueError(f"gamma cannot be negative: {gamma}")
        self.equalised_odds, self.gamma = fairness == "equalised_odds", gamma
        task_classes = len(self.classes) if self.equalised_odds else 0
        self.adversary = nn.Sequential(
            nn.Linear(self.backbone.num_features + task_classes, adversary_hidden),
            nn.LeakyReLU(0.2),  # TensorFlow's slope
            nn.Linear(adversary_hidden, len(self.sensitive_classes)),
        )

    def adversary_loss(self, embedding: Tensor, batch: Batch) -> Tensor:
        """Sum the groups' mean losses of the adversary on embeddings (N, D)."""
        sensitive, groups = batch[self.sensitive], len(self.sensitive_classes)
        group = sensitive
        if self.equalised_odds:
            task, classes = batch[self.task], len(self.classes)
            group = torch.where((sensitive >= 0) & (task >= 0), sensitive * classes + task, -1)
            groups *= classes
            task_one_hot = functional.one_hot(task.clamp(min=0), classes).to(embedding.dtype)
            embedding = torch.cat([embedding, task_one_hot], 1)
        losses = l1_losses(at_least_float32(self.adversary(embedding)), sensitive)
        return sum_of_group_means(losses, group, groups)

    def training_step(self, batch: Batch, batch_idx: int) -> dict[str, Tensor]:
        """Take a step of backbone and task head, then one of the adversary."""
        encoder, adversary = self.encoder_and_adversary()
        encoder.optimizer.zero_grad()
        with cache_frozen_outputs(self.backbone):
            output = self.forward_batch(batch)
            task = self.task_loss(output.logits, batch)
            with without_gradients_of(self.adversary):
                loss = task - self.gamma * self.adversary_loss(output.embedding, batch)
            self.backward_and_step(loss, [encoder], last=False)

            with torch.no_grad(), freeze_batchnorm_stats(self.backbone):
                embedding = at_least_float32(self.backbone(self.inputs(batch)))
        adversary.optimizer.zero_grad()
        bias = self.adversary_loss(embedding, batch)
        self.backward_and_step(bias, [adversary], last=True)
        return self.log_running_means(loss=loss, task=task, bias=bias)


def l1_losses(logits: Tensor, target: Tensor) -> Tensor:
    """Compute 1 - p of the true class, (N,) in [0, 1]; for an unknown target (-1) that of class 0.

    With two classes this is |A - A^| of the paper, whose adversary has one sigmoid unit; with more it is half
    the L1 distance between the prediction and the one-hot label.

    Args:
        logits: (N, K).
        target: (N,) int64.
    """
    true = logits.log_softmax(1).gather(1, target.clamp(min=0)[:, None])[:, 0]
    return -true.expm1()


def sum_of_group_means(losses: Tensor, group: Tensor, groups: int) -> Tensor:
    """Sum the mean losses of the groups; an absent group adds 0.

    The means of the paper's group-normalised L1 are over the dataset; a batch's estimate them. (The authors'
    code divides a batch's sums by the groups' shares of the dataset, which is equal in expectation.)

    Args:
        losses: (N,).
        group: (N,) int64, -1 where unknown.
        groups: number of groups.
    """
    member = (group[:, None] == torch.arange(groups, device=group.device)).to(losses.dtype)  # (N, groups)
    return ((losses @ member) / member.sum(0).clamp(min=1)).sum()
