"""SensitiveNets (Morales et al., TPAMI 2020) as the thesis adapts it: identity without emotion."""

import math
from typing import Any, Literal

import torch
from pytorch_lightning.cli import OptimizerCallable
from pytorch_lightning.utilities import rank_zero_warn
from torch import Tensor
from torch.nn import functional
from torch.optim import Optimizer

from lightning_modules.backbones.factory import Backbone
from lightning_modules.backbones.suppressed import suppressed
from lightning_modules.layers.heads import Head
from lightning_modules.layers.numerics import at_least_float32, masked_mean
from lightning_modules.layers.sensitive_losses import (
    Mining,
    delta,
    mean_over_triplets,
    mine_triplets,
    similarity_loss,
    triplet_loss,
    uniform_delta,
)
from lightning_modules.layers.suppressor import Suppressor
from lightning_modules.training.alternation import Alternation
from lightning_modules.training.base import Batch
from lightning_modules.training.identity_module import IdentityModule
from lightning_modules.training.manual_optimization import ManualOptimization

UNIFORM = "uniform"


class SensitiveNets(ManualOptimization, IdentityModule):
    """A suppressor on a frozen recogniser, trained against classifiers of the sensitive attribute.

    In each round a new classifier learns the sensitive attribute from the embedding as it is; then it stays
    fixed while the suppressor minimises triplet loss + delta_weight * (delta of anchor + positive + negative)
    (thesis, equation 3.3; three times the mean delta of a batch that gives no triplet), which keeps people
    apart and makes the classifier say `target` of everyone. The training stops after the last round. The
    embedding is the suppressor's output.

    The options `init`, `keep` and `refresh_steps` are ours, and so is the target `uniform`; their defaults
    are the published method.

    Batches are those of one stream for both, or `{"identity_stream": batch, "sensitive_stream": batch}` where
    identities and sensitive labels come from different data (`datamodules.two_streams`). To validate after
    each round, let an epoch be one: `trainer.limit_train_batches` is classifier_steps + steps_per_round.

    With several processes use the strategy `ddp_find_unused_parameters_true`: only one player learns at a
    time. Triplets are mined within each process' own batch, never across processes.

    Args:
        sensitive: the attribute to hide.
        target: its class that the classifier shall see in everyone (neutral in the thesis), or `uniform`: no
            class rather than another (our variant, see `uniform_delta`).
        task: the attribute that holds the identity.
        trainable: the recogniser is frozen.
        width: units of the suppressor's layers, the length of the embedding.
        layers: of the suppressor: 1 in the thesis, 3 in its annex.
        init: of the suppressor: random, or the identity, from which it changes what it has to.
        keep: what it is to keep: people apart by triplets, or the cosines between the recogniser's embeddings
            as they are; see `similarity_loss`, to which three times the mean delta of a batch is added.
        hidden: units of the classifier's dense layer.
        margin: of the triplet loss in squared distance; not published.
        mining: of triplets, see `mine_triplets`; not published.
        normalize: the triplet loss compares embeddings of unit length; not published.
        delta_weight: 1 as published.
        rounds: adversarial rounds; not published.
        steps_per_round: batches of the suppressor in a round.
        classifier_steps: batches of the new classifier in a round before the suppressor's.
        refresh_steps: batches in which the classifier goes on learning after each of the suppressor's; 0 as
            published leaves it fixed.
        warmup_rounds: rounds before, as long, all of the suppressor with the triplet loss alone.
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
        init: Literal["random", "identity"] = "random",
        keep: Literal["triplets", "similarities"] = "triplets",
        hidden: int = 1024,
        margin: float = 0.2,
        mining: Mining = "semihard",
        normalize: bool = True,
        delta_weight: float = 1.0,
        rounds: int = 10,
        steps_per_round: int = 100,
        classifier_steps: int = 100,
        refresh_steps: int = 0,
        warmup_rounds: int = 1,
        classifier_optimizer: OptimizerCallable = lambda p: torch.optim.Adam(p, lr=1e-3),
        **common: Any,
    ) -> None:
        super().__init__(task=task, trainable=trainable, **common)
        if trainable != "none":
            raise ValueError(f"trainable: the recogniser is frozen, so none, not {trainable!r}")
        if min(rounds, steps_per_round, classifier_steps, hidden) < 1:
            raise ValueError("rounds, steps and hidden are 1 or more")
        if min(warmup_rounds, refresh_steps, delta_weight) < 0:
            raise ValueError("warmup_rounds, refresh_steps and delta_weight are 0 or more")
        classes = self.classes_of("sensitive", sensitive)
        if target not in (*classes, UNIFORM):
            raise ValueError(
                f"target: {sensitive} has no class {target!r}; it has {', '.join(classes)}, or {UNIFORM}"
            )
        self.sensitive = sensitive
        self.target = None if target == UNIFORM else classes.index(target)
        self.margin, self.mining, self.normalize, self.delta_weight = margin, mining, normalize, delta_weight
        self.keep = keep
        self.alternation = Alternation(
            rounds, steps_per_round, classifier_steps, warmup_rounds, refresh_steps
        )
        self.classifier_optimizer = classifier_optimizer
        self.suppressor = Suppressor(
            self.backbone.num_features, width=width, layers=layers, identity=init == "identity"
        )
        self.classifier = Head(width, len(classes), hidden)
        self._triplets, self._labels = 0, torch.tensor(0)  # of the round so far
        self._warned: set[str] = set()
        self.register_buffer("steps", torch.tensor(0))
        self.register_buffer("seed", torch.randint(2**31, ()))  # of new classifiers; by the run's seed

    def embed(self, image: Tensor) -> Tensor:
        """phi (N, width) float32 of images (N, 3, H, W); float64 in 64-bit training."""
        return at_least_float32(self.suppressor(self.backbone(image)))

    def embedding_network(self) -> Backbone:
        """Return the backbone with the suppressor behind it."""
        return suppressed(self.backbone, self.suppressor)

    def on_train_start(self) -> None:
        """Say if validations fall amid rounds or rounds will be missing; train no further after the last."""
        batches, round_ = self.trainer.val_check_batch, self.alternation.round_steps
        total, planned = self.alternation.total, self.trainer.estimated_stepping_batches
        if batches and batches % round_ and not self.trainer.fast_dev_run:  # type: ignore[attr-defined]
            rank_zero_warn(
                f"a round has {round_} batches and validation comes after {batches}, amid rounds; set "
                f"trainer.limit_train_batches to {round_}"
            )
        if 0 < planned < total and not self.trainer.fast_dev_run:  # type: ignore[attr-defined]
            epochs = math.ceil(total / self.trainer.num_training_batches)
            rank_zero_warn(
                f"the rounds have {total} batches, and the training ends after {planned}; set "
                f"trainer.max_epochs to {epochs}"
            )
        if int(self.steps) >= self.alternation.total:
            self.trainer.should_stop = True

    def training_step(self, batch: Any, batch_idx: int) -> dict[str, Tensor]:
        """One batch for the player whose turn it is, counted as one step."""
        step = int(self.steps)
        round_, place = self.alternation.turn(step)
        classifying = self.alternation.firsts(step)
        if step and classifying != self.alternation.firsts(step - 1):
            self._sums.pop("loss", None)  # its logged mean never spans both players'; other terms are one's
        of_suppressor, of_classifier = self.optimizers()  # type: ignore[attr-defined]  # there are two
        if classifying and place == 0:
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
        if place == self.alternation.round_steps - 1:
            self._warn_of_nothing_learned(round_ >= 0)
        if step + 1 >= self.alternation.total:
            self.trainer.should_stop = True
        return self.track(**terms)

    def classifier_terms(self, batch: Batch) -> dict[str, Tensor]:
        """Cross entropy of the sensitive attribute, where it is known, and the share that is recognised."""
        target = batch[self.sensitive]
        self._labels = self._labels.to(target.device) + (target >= 0).sum()  # read once a round
        with torch.no_grad():
            embedding = self.embed(self.inputs(batch))
        logits = at_least_float32(self.classifier(embedding))
        loss = functional.cross_entropy(logits, target, ignore_index=-1, reduction="none")
        right = (logits.argmax(1) == target).to(logits.dtype)
        mean = masked_mean(loss, target)
        return {"loss": mean, "classifier": mean, "sensitive_accuracy": masked_mean(right, target)}

    def suppressor_terms(self, batch: Batch, step: int, adversarial: bool) -> dict[str, Tensor]:
        """What keeps people apart and, unless in the warm-up, what hides the attribute."""
        source = at_least_float32(self.backbone(self.inputs(batch)))
        embedding = at_least_float32(self.suppressor(source))
        if self.keep == "similarities":
            name, keep, triplets = "similarity", similarity_loss(embedding, source), None
        else:
            triplets = mine_triplets(
                embedding,
                batch[self.task],
                self.mining,
                margin=self.margin,
                normalize=self.normalize,
                seed=int(self.seed) + step,
            )
            self._triplets += len(triplets[0])
            loss = triplet_loss(embedding, triplets, margin=self.margin, normalize=self.normalize)
            name, keep = "triplet", loss
        if not adversarial:
            return {"loss": keep, name: keep}
        logits = at_least_float32(self.classifier(embedding))
        values = uniform_delta(logits) if self.target is None else delta(logits, self.target)
        # without a triplet, three times the mean over all images: to hide needs no pair of one person
        found = triplets is not None and len(triplets[0]) > 0
        hide = mean_over_triplets(values, triplets) if triplets and found else 3 * values.mean()
        return {"loss": keep + self.delta_weight * hide, name: keep, "delta": hide}

    def _warn_of_nothing_learned(self, adversarial: bool) -> None:
        """Say, once each, if a round had no triplet, or no sensitive label for its classifier."""
        triplets, labels = self._triplets, int(self._labels)
        self._triplets, self._labels = 0, torch.tensor(0)
        if self.keep == "triplets" and not triplets and "triplets" not in self._warned:
            self._warned.add("triplets")
            rank_zero_warn(
                f"SensitiveNets: a round found no triplet ({self.mining}), so nothing keeps people apart; it "
                f"needs two images of one {self.task} in a batch: set data.init_args.train_order to "
                "datamodules.train_orders.IdentityBatches, or keep: similarities"
            )
        if adversarial and not labels and "labels" not in self._warned:
            self._warned.add("labels")
            rank_zero_warn(
                f"SensitiveNets: a round had no image with a known {self.sensitive}, so its classifier "
                "learned nothing and nothing is hidden"
            )

    def renew_classifier(self, round_: int, optimizer: Optimizer) -> None:
        """Another classifier, drawn by the seed and the round, and an optimizer that remembers nothing."""
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(int(self.seed) + round_)
            dense, output = self.classifier.dense, self.classifier.output
            new = Head(dense.in_features, output.out_features, dense.out_features)
        self.classifier.load_state_dict(new.state_dict())
        optimizer.state.clear()

    def configure_optimizers(self) -> list[Optimizer]:
        """The suppressor's optimizer and the classifier's."""
        return [
            self.optimizer(list(self.suppressor.parameters())),
            self.classifier_optimizer(list(self.classifier.parameters())),
        ]
