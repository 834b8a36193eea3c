"""Our additions to SensitiveNets: another start, other losses, and a classifier that keeps up."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

from torch import Tensor

from lightning_modules.layers.numerics import at_least_float32
from lightning_modules.layers.sensitive_losses import similarity_loss, uniform_delta
from lightning_modules.sensitivenets import SensitiveNets
from lightning_modules.training.base import Batch

UNIFORM = "uniform"


class SensitiveNetsVariant(SensitiveNets):
    """Train as `SensitiveNets`, with options of our own; the defaults are the published method.

    Args:
        target: a class, as published, or `uniform`: the classifier shall predict no class rather than
            another, see `uniform_delta`.
        init: of the suppressor: random, or the identity, which training then changes as far as it has to.
        keep: what the suppressor keeps: identities apart by triplets, or the cosines between the recogniser's
            embeddings, see `similarity_loss`, to which three times the mean delta of a batch is added.
        refresh_steps: batches in which the classifier goes on learning after each of the suppressor's; 0
            leaves it fixed.
        **common: the other arguments of `SensitiveNets`.

    Raises:
        ValueError: as `SensitiveNets`; negative `refresh_steps`, or a width too small for the identity.
    """

    def __init__(
        self,
        *,
        target: str,
        init: Literal["random", "identity"] = "random",
        keep: Literal["triplets", "similarities"] = "triplets",
        refresh_steps: int = 0,
        **common: Any,
    ) -> None:
        super().__init__(target=target, **common)
        if refresh_steps < 0:
            raise ValueError(f"refresh_steps is 0 or more, not {refresh_steps}")
        self.needs_triplets = keep == "triplets"
        self.alternation = self.alternation._replace(refresh_steps=refresh_steps)
        if init == "identity":
            self.suppressor.set_to_identity()

    def delta_to(self, target: str, classes: Sequence[str]) -> Callable[[Tensor], Tensor]:
        """Return the function that computes delta (N,) of the classifier's logits (N, C)."""
        return uniform_delta if target == UNIFORM else super().delta_to(target, classes)

    def suppressor_terms(self, batch: Batch, step: int, adversarial: bool) -> dict[str, Tensor]:
        """Compute what keeps identities and, unless in the warm-up, what hides the attribute."""
        if self.needs_triplets:
            return super().suppressor_terms(batch, step, adversarial)
        source = at_least_float32(self.backbone(self.inputs(batch)))
        embedding = at_least_float32(self.suppressor(source))
        similarity = similarity_loss(embedding, source)
        if not adversarial:
            return {"loss": similarity, "similarity": similarity}
        hide = 3 * self.hiding_losses(embedding).mean()
        return {"loss": similarity + self.delta_weight * hide, "similarity": similarity, "delta": hide}
