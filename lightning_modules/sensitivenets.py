"""SensitiveNets (Morales et al., TPAMI 2020) as the thesis adapts it: identity without emotion."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

import torch
from pytorch_lightning.cli import OptimizerCallable
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
    triplet_loss,
)
from lightning_modules.layers.suppressor import Suppressor
from lightning_modules.training.adversarial import without_gradients_of
from lightning_modules.training.alternation import AlternatingTraining
from lightning_modules.training.base import Batch
from lightning_modules.training.identity_module import IdentityModule
from lightning_modules.training.round_warnings import RoundWarnings


class SensitiveNets(AlternatingTraining, IdentityModule):
    """Train a suppressor on a frozen recogniser against classifiers of the sensitive attribute, as published.

    In each round a new classifier learns the sensitive attribute from the embedding as it is; then it stays
    fixed while the suppressor minimises triplet loss + delta_weight * (delta of anchor + positive + negative)
    (thesis, equation 3.3; three times the mean delta of a batch without triplets). The triplets separate
    identities, and delta makes the classifier predict `target` for everyone. The embedding is the
    suppressor's output. `sensitivenets_variant` holds what we add.

    Batches are those of one stream for both, or `{"identity_stream": batch, "sensitive_stream": batch}` where
    identities and sensitive labels come from different data (`datamodules.two_streams`). To validate after
    each round, let an epoch be one: `trainer.limit_train_batches` is classifier_steps + steps_per_round.

    With several processes use the strategy `ddp_find_unused_parameters_true`, as each step trains the
    suppressor or the classifier alone. Triplets are mined within each process' own batch.

    Args:
        sensitive: the attribute to hide.
        target: its class that the classifier shall predict for everyone (neutral in the thesis).
        task: the attribute that holds the identity.
        trainable: the recogniser is frozen.
        width: units of the suppressor's layers, the length of the embedding.
        layers: of the suppressor: 1 in the thesis, 3 in its annex.
        hidden: units of the classifier's dense layer.
        margin: of the triplet loss in squared distance; not published.
        mining: of triplets, see `mine_triplets`; not published.
        normalize: the triplet loss compares embeddings of unit length; not published.
        delta_weight: 1 as published.
        classifier_optimizer: builds an optimizer from the classifier's parameters; `optimizer` is for the
            suppressor's.
        **common: the other arguments of `AlternatingTraining`, whose numbers of rounds and steps are not
            published, and `FaceModule`. In the warm-up the suppressor minimises the triplet loss alone.

    Raises:
        ValueError: attributes or a target that the data lack, or numbers out of range.
    """

    seed: Tensor
    needs_triplets = True

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
        classifier_optimizer: OptimizerCallable = lambda p: torch.optim.Adam(p, lr=1e-3),
        **common: Any,
    ) -> None:
        super().__init__(task=task, trainable=trainable, **common)
        if trainable != "none":
            raise ValueError(f"trainable: the recogniser is frozen, so none, not {trainable!r}")
        if hidden < 1 or delta_weight < 0:
            raise ValueError(f"hidden is 1 or more, delta_weight 0 or more: {hidden}, {delta_weight}")
        self.sensitive, classes = sensitive, self.classes_of("sensitive", sensitive)
        self.delta = self.delta_to(target, classes)
        self.mining, self.delta_weight = mining, delta_weight
        self.distance: dict[str, Any] = {"margin": margin, "normalize": normalize}
        self.classifier_optimizer = classifier_optimizer
        self.suppressor = Suppressor(self.backbone.num_features, width=width, layers=layers)
        self.classifier = Head(width, len(classes), hidden)
        self.round_warnings = RoundWarnings(task, sensitive, mining)
        self.register_buffer("seed", torch.randint(2**31, ()))  # of new classifiers; by the run's seed

    def delta_to(self, target: str, classes: Sequence[str]) -> Callable[[Tensor], Tensor]:
        """Return the function that computes delta (N,) of the classifier's logits (N, C)."""
        if target not in classes:
            raise ValueError(f"target: {self.sensitive} has no class {target!r}; it has {', '.join(classes)}")
        return partial(delta, target=classes.index(target))

    def embed(self, image: Tensor) -> Tensor:
        """Compute phi (N, width) float32 of images (N, 3, H, W); float64 in 64-bit training."""
        return at_least_float32(self.suppressor(self.backbone(image)))

    def embedding_network(self) -> Backbone:
        """Return the backbone with the suppressor behind it."""
        return suppressed(self.backbone, self.suppressor)

    def training_step(self, batch: Any, batch_idx: int) -> dict[str, Tensor]:
        """Train the suppressor or the classifier on a batch, which counts as one step."""
        step = int(self.steps)
        round_, place = self.alternation.turn(step)
        classifying = self.alternation.is_classifier_step(step)
        if step and classifying != self.alternation.is_classifier_step(step - 1):
            self._sums.pop("loss", None)  # so that its logged mean is of one of the two alone
        suppressor, classifier = self.optimizers()  # type: ignore[attr-defined]  # there are two
        if classifying:
            if place == 0:
                self.renew_classifier(round_, classifier.optimizer)
            optimizer, terms = classifier, self.classifier_terms(batch.get("sensitive_stream", batch))
        else:
            stream = batch.get("identity_stream", batch)
            optimizer, terms = suppressor, self.suppressor_terms(stream, step, round_ >= 0)
        optimizer.optimizer.zero_grad()
        self.backward_and_step(terms["loss"], [optimizer], last=True)
        self.steps += 1
        if place == self.alternation.round_steps - 1:
            self.round_warnings.end_round(needs_triplets=self.needs_triplets, adversarial=round_ >= 0)
        self.stop_after_the_last_round()
        return self.log_running_means(**terms)

    def classifier_terms(self, batch: Batch) -> dict[str, Tensor]:
        """Compute cross entropy and accuracy of the sensitive attribute, where it is known."""
        target = batch[self.sensitive]
        self.round_warnings.add_labels(target)
        with torch.no_grad():
            embedding = self.embed(self.inputs(batch))
        logits = at_least_float32(self.classifier(embedding))
        loss = functional.cross_entropy(logits, target, ignore_index=-1, reduction="none")
        right = (logits.argmax(1) == target).to(logits.dtype)
        mean = masked_mean(loss, target)
        return {"loss": mean, "classifier": mean, "sensitive_accuracy": masked_mean(right, target)}

    def suppressor_terms(self, batch: Batch, step: int, adversarial: bool) -> dict[str, Tensor]:
        """Compute the triplet loss and, unless in the warm-up, delta over the triplets (equation 3.3)."""
        embedding = self.embed(self.inputs(batch))
        seed = int(self.seed) + step
        triplets = mine_triplets(embedding, batch[self.task], self.mining, seed=seed, **self.distance)
        self.round_warnings.triplets += len(triplets[0])
        triplet = triplet_loss(embedding, triplets, **self.distance)
        if not adversarial:
            return {"loss": triplet, "triplet": triplet}
        values = self.hiding_losses(embedding)
        # without a triplet three times the mean over all images: hiding needs no pair of one identity
        hide = mean_over_triplets(values, triplets) if len(triplets[0]) else 3 * values.mean()
        return {"loss": triplet + self.delta_weight * hide, "triplet": triplet, "delta": hide}

    def hiding_losses(self, embedding: Tensor) -> Tensor:
        """Compute delta (N,) of embeddings (N, width) by the classifier, which stays fixed."""
        with without_gradients_of(self.classifier):
            return self.delta(at_least_float32(self.classifier(embedding)))

    def renew_classifier(self, round_: int, optimizer: Optimizer) -> None:
        """Draw another classifier by the seed and the round, and clear its optimizer's state."""
        self.classifier.redraw(int(self.seed) + round_)
        optimizer.state.clear()

    def configure_optimizers(self) -> list[Optimizer]:
        """Build the suppressor's optimizer and the classifier's."""
        suppressor, classifier = list(self.suppressor.parameters()), list(self.classifier.parameters())
        return [self.optimizer(suppressor), self.classifier_optimizer(classifier)]
