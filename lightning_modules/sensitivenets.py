"""SensitiveNets (Morales et al., TPAMI 2020) as the thesis adapts it: identity without emotion."""

from typing import Any, Literal, NamedTuple

import torch
from pytorch_lightning.cli import OptimizerCallable
from pytorch_lightning.utilities import rank_zero_warn
from torch import Tensor
from torch.nn import functional
from torch.optim import Optimizer

from evaluation.embedding_health import collapsed, effective_rank, scale
from lightning_modules.base import Batch, IdentityModule, mean_of_known, wide
from lightning_modules.heads import Head
from lightning_modules.manual_optimization import ManualOptimization
from lightning_modules.sensitive_losses import (
    Mining,
    delta,
    mean_over_triplets,
    mine_triplets,
    triplet_loss,
    uniform_delta,
)
from lightning_modules.suppressor import Suppressor

UNIFORM = "uniform"


class Alternation(NamedTuple):
    """Whose turn it is: the suppressor's in a warm-up round, else the classifier's and the suppressor's."""

    rounds: int
    steps_per_round: int
    classifier_steps: int
    warmup_rounds: int

    @property
    def total(self) -> int:
        """Batches of the whole training."""
        adversarial = self.rounds * (self.classifier_steps + self.steps_per_round)
        return self.warmup_rounds * self.steps_per_round + adversarial

    def turn(self, step: int) -> tuple[int, int]:
        """Adversarial round (negative in the warm-up) and the step in it (the classifier's come first)."""
        warmup = self.warmup_rounds * self.steps_per_round
        if step < warmup:
            done, place = divmod(step, self.steps_per_round)
            return done - self.warmup_rounds, place + self.classifier_steps
        return divmod(step - warmup, self.classifier_steps + self.steps_per_round)


class SensitiveNets(ManualOptimization, IdentityModule):
    """A suppressor on a frozen recogniser, trained against classifiers of the sensitive attribute.

    In each round a new classifier learns the sensitive attribute from the embedding as it is; then it stays
    fixed while the suppressor minimises triplet loss + delta_weight * (delta of anchor + positive + negative)
    (thesis, equation 3.3), which keeps people apart and makes the classifier say `target` of everyone. The
    training stops after the last round. The embedding is the suppressor's output.

    Batches are those of one stream for both, or `{"identity_stream": batch, "sensitive_stream": batch}` where
    identities and sensitive labels come from different data. With several processes use the strategy
    `ddp_find_unused_parameters_true`: only one player learns at a time.

    Args:
        sensitive: the attribute to hide.
        target: its class that the classifier shall see in everyone (neutral in the thesis), or `uniform`: no
            class rather than another (our variant, see `uniform_delta`).
        task: the attribute that holds the identity.
        trainable: the recogniser is frozen.
        width: units of the suppressor's layers, the length of the embedding.
        layers: of the suppressor: 1 in the thesis, 3 in its annex.
        hidden: units of the classifier's dense layer.
        margin: of the triplet loss in squared distance; not published.
        mining: of triplets, see `mine_triplets`; not published.
        normalize: the triplet loss compares embeddings of unit length; not published.
        delta_weight: 1 as published.
        rounds: adversarial rounds; not published.
        steps_per_round: batches of the suppressor in a round.
        classifier_steps: batches of the classifier in a round.
        warmup_rounds: rounds before, with the triplet loss alone and without a classifier.
        min_relative_scale: below this the embedding has collapsed, see `evaluation.embedding_health`.
        min_effective_rank: likewise.
        stop_when_collapsed: stop the training then; otherwise it warns.
        classifier_optimizer: from the classifier's parameters to an optimizer; `optimizer` is for the
            suppressor's.
        **common: the other arguments of `ManualOptimization` and `FaceModule`.

    Raises:
        ValueError: attributes or a target that the data lack, or numbers out of range.
    """

    steps: Tensor
    seed: Tensor

    def __init__(
        self,
        *,
        sensitive: str,
        target: str,
        task: str = "identity",
        trainable: Literal["none"] = "none",
        width: int = 1024,
        layers: int = 1,
        hidden: int = 1024,
        margin: float = 0.2,
        mining: Mining = "semihard",
        normalize: bool = True,
        delta_weight: float = 1.0,
        rounds: int = 10,
        steps_per_round: int = 100,
        classifier_steps: int = 100,
        warmup_rounds: int = 1,
        min_relative_scale: float = 1e-3,
        min_effective_rank: float = 2.0,
        stop_when_collapsed: bool = False,
        classifier_optimizer: OptimizerCallable = lambda p: torch.optim.Adam(p, lr=1e-3),
        **common: Any,
    ) -> None:
        super().__init__(task=task, trainable=trainable, **common)
        if trainable != "none":
            raise ValueError(f"trainable: the recogniser is frozen, so none, not {trainable!r}")
        if min(rounds, steps_per_round, classifier_steps) < 1 or min(warmup_rounds, delta_weight) < 0:
            raise ValueError("rounds and steps are 1 or more, warmup_rounds and delta_weight 0 or more")
        classes = self.classes_of("sensitive", sensitive)
        if target not in (*classes, UNIFORM):
            raise ValueError(
                f"target: {sensitive} has no class {target!r}; it has {', '.join(classes)}, or {UNIFORM}"
            )
        self.sensitive = sensitive
        self.target = None if target == UNIFORM else classes.index(target)
        self.margin, self.mining, self.normalize, self.delta_weight = margin, mining, normalize, delta_weight
        self.alternation = Alternation(rounds, steps_per_round, classifier_steps, warmup_rounds)
        self.limits = {"min_relative_scale": min_relative_scale, "min_effective_rank": min_effective_rank}
        self.stop_when_collapsed, self.classifier_optimizer = stop_when_collapsed, classifier_optimizer
        self.suppressor = Suppressor(self.backbone.num_features, width=width, layers=layers)
        self.classifier = Head(width, len(classes), hidden)
        self.register_buffer("steps", torch.tensor(0))
        self.register_buffer("seed", torch.randint(2**31, ()))  # of new classifiers; by the run's seed

    def embed(self, image: Tensor) -> Tensor:
        """phi (N, width) float32 of images (N, 3, H, W); float64 in 64-bit training."""
        return wide(self.suppressor(self.backbone(image)))

    def training_step(self, batch: Any, batch_idx: int) -> dict[str, Tensor]:
        """One batch for the player whose turn it is, counted as one step."""
        step = int(self.steps)
        round_, place = self.alternation.turn(step)
        classifying = place < self.alternation.classifier_steps
        if place in (0, self.alternation.classifier_steps):
            self._sums = {}  # a logged mean never spans both players' terms
        of_suppressor, of_classifier = self.optimizers()  # type: ignore[attr-defined]  # there are two
        if place == 0:
            self.renew_classifier(round_, of_classifier.optimizer)
        self.classifier.requires_grad_(classifying)
        self.suppressor.requires_grad_(not classifying)
        player = of_classifier if classifying else of_suppressor
        player.optimizer.zero_grad()
        if classifying:
            terms = self.classifier_terms(batch.get("sensitive_stream", batch))
        else:
            terms = self.suppressor_terms(batch.get("identity_stream", batch), step, round_ >= 0)
        self.descend(terms["loss"], [player], last=True)
        self.steps += 1
        if place == sum(self.alternation[1:3]) - 1:
            self.check_health(batch.get("identity_stream", batch))
        if step + 1 >= self.alternation.total:
            self.trainer.should_stop = True
        return self.track(**terms)

    def classifier_terms(self, batch: Batch) -> dict[str, Tensor]:
        """Cross entropy of the sensitive attribute, where it is known, and the share that is recognised."""
        target = batch[self.sensitive]
        with torch.no_grad():
            embedding = self.embed(self.inputs(batch))
        logits = wide(self.classifier(embedding))
        loss = functional.cross_entropy(logits, target, ignore_index=-1, reduction="none")
        right = (logits.argmax(1) == target).to(logits.dtype)
        return {
            "loss": mean_of_known(loss, target),
            "sensitive_accuracy": mean_of_known(right, target),
        }

    def suppressor_terms(self, batch: Batch, step: int, adversarial: bool) -> dict[str, Tensor]:
        """Triplet loss of known identities and, unless in the warm-up, the regulariser on its triplets."""
        embedding = self.embed(self.inputs(batch))
        triplets = mine_triplets(
            embedding,
            batch[self.task],
            self.mining,
            margin=self.margin,
            normalize=self.normalize,
            seed=int(self.seed) + step,
        )
        keep = triplet_loss(embedding, triplets, margin=self.margin, normalize=self.normalize)
        if not adversarial:
            return {"loss": keep, "triplet": keep}
        logits = wide(self.classifier(embedding))
        values = uniform_delta(logits) if self.target is None else delta(logits, self.target)
        hide = mean_over_triplets(values, triplets)
        return {"loss": keep + self.delta_weight * hide, "triplet": keep, "delta": hide}

    def renew_classifier(self, round_: int, optimizer: Optimizer) -> None:
        """Another classifier, drawn by the seed and the round, and an optimizer that remembers nothing."""
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(int(self.seed) + round_)
            dense, output = self.classifier.dense, self.classifier.output
            new = Head(dense.in_features, output.out_features, dense.out_features)
        self.classifier.load_state_dict(new.state_dict())
        optimizer.state.clear()

    @torch.no_grad()
    def check_health(self, batch: Batch) -> None:
        """Log scale and effective rank of a batch's embeddings, once a round; warn or stop if collapsed."""
        source = wide(self.backbone(self.inputs(batch)))
        embedding = wide(self.suppressor(source))
        figures = {"embedding_scale": scale(embedding), "effective_rank": effective_rank(embedding)}
        for name, value in figures.items():
            self.log(f"train/{name}", value, on_step=False, on_epoch=True, sync_dist=True, batch_size=1)
        bad = collapsed(embedding, source, **self.limits)
        if self.trainer.strategy.reduce_boolean_decision(bad, all=False):
            rank_zero_warn(f"the embedding has collapsed: {figures}; lower delta_weight or the learning rate")
            self.trainer.should_stop = self.trainer.should_stop or self.stop_when_collapsed

    def configure_optimizers(self) -> list[Optimizer]:
        """The suppressor's optimizer and the classifier's."""
        return [
            self.optimizer(list(self.suppressor.parameters())),
            self.classifier_optimizer(list(self.classifier.parameters())),
        ]
