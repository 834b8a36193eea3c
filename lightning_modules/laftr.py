"""LAFTR: learning adversarially fair and transferable representations (Madras et al., ICML 2018)."""

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from lightning_modules.layers.batchnorm import still_statistics
from lightning_modules.layers.numerics import at_least_float32
from lightning_modules.training.base import Batch
from lightning_modules.training.cached_frozen_outputs import frozen_once
from lightning_modules.training.sensitive_classifier import AdversarialClassifier


class LAFTR(AdversarialClassifier):
    """A classifier against an adversary whose loss weighs every group alike, however small it is.

    L = L_task - gamma * L_adv; first backbone and task head descend L, then the adversary L_adv on the
    features that this gave, one step each a batch, as in the authors' code (VectorInstitute/laftr), whose
    defaults are taken. Its reconstruction term is left out: the authors' weight for it is 0.

    The embedding here is the backbone's own; the authors' code adds an encoder to 8 dimensions. With several
    processes the groups' means are those of each process' own batch.

    Args:
        fairness: what the embedding is to allow. `demographic_parity`: groups are the sensitive classes.
            `equalised_odds`: groups are the pairs of sensitive and task class, and the adversary is told the
            task's class beside the embedding.
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
        told = len(self.classes) if self.equalised_odds else 0
        self.adversary = nn.Sequential(
            nn.Linear(self.backbone.num_features + told, adversary_hidden),
            nn.LeakyReLU(0.2),  # TensorFlow's slope
            nn.Linear(adversary_hidden, len(self.sensitive_classes)),
        )

    def adversary_loss(self, embedding: Tensor, batch: Batch) -> Tensor:
        """How badly the adversary reads the sensitive attribute from embeddings (N, D), group by group."""
        sensitive, groups = batch[self.sensitive], len(self.sensitive_classes)
        group = sensitive
        if self.equalised_odds:
            task, classes = batch[self.task], len(self.classes)
            group = torch.where((sensitive >= 0) & (task >= 0), sensitive * classes + task, -1)
            groups *= classes
            told = functional.one_hot(task.clamp(min=0), classes).to(embedding.dtype)
            embedding = torch.cat([embedding, told], 1)
        losses = l1_losses(at_least_float32(self.adversary(embedding)), sensitive)
        return sum_of_group_means(losses, group, groups)

    def training_step(  # type: ignore[override]  # Lightning takes a tensor or a dict with `loss`
        self, batch: Batch, batch_idx: int
    ) -> dict[str, Tensor]:
        """A step of the main player, then one of the adversary."""
        main, adversary = self.players()
        with frozen_once(self.backbone):
            main.optimizer.zero_grad()
            with main.toggle_model():
                reading = self.read(batch)
                task = self.task_loss(reading.logits, batch)
                loss = task - self.gamma * self.adversary_loss(reading.embedding, batch)
                self.descend(loss, [main], last=False)

            with torch.no_grad(), still_statistics(self.backbone):
                embedding = at_least_float32(self.backbone(self.inputs(batch)))
        adversary.optimizer.zero_grad()
        with adversary.toggle_model():
            bias = self.adversary_loss(embedding, batch)
            self.descend(bias, [adversary], last=True)
        return self.track(loss=loss, task=task, bias=bias)


def l1_losses(logits: Tensor, target: Tensor) -> Tensor:
    """1 - p of the true class, (N,) in [0, 1]; of an unknown target (-1) that of class 0.

    With two classes this is |A - A^| of the paper, whose adversary has one sigmoid unit; with more it is half
    the L1 distance between the prediction and the one-hot label.

    Args:
        logits: (N, K).
        target: (N,) int64.
    """
    true = logits.log_softmax(1).gather(1, target.clamp(min=0)[:, None])[:, 0]
    return -true.expm1()


def sum_of_group_means(losses: Tensor, group: Tensor, groups: int) -> Tensor:
    """The groups' mean losses, added up; a group that is absent adds 0.

    The means of the paper's group-normalised L1 are over the dataset; a batch's estimate them. (The authors'
    code divides a batch's sums by the groups' shares of the dataset, the same in expectation.)

    Args:
        losses: (N,).
        group: (N,) int64, -1 where unknown.
        groups: how many there are.
    """
    member = (group[:, None] == torch.arange(groups, device=group.device)).to(losses.dtype)  # (N, groups)
    return ((losses @ member) / member.sum(0).clamp(min=1)).sum()
