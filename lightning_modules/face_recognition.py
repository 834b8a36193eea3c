"""A face recogniser trained with a margin softmax."""

import functools
import math
from typing import Any, Literal

import torch
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from pytorch_metric_learning.losses import ArcFaceLoss, CosFaceLoss
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR

from lightning_modules.backbones.factory import Trainable
from lightning_modules.training.base import Batch
from lightning_modules.training.identity_module import IdentityModule


class FaceRecognition(IdentityModule):
    """Train a recogniser by CosFace (Wang et al., CVPR 2018) or ArcFace (Deng et al., CVPR 2019).

    The embedding is the backbone's output, without a neck, so that `factory.save_backbone` stores the whole
    recogniser. Evaluation identities are not training classes: the evaluation steps return embeddings, which
    a callback compares.

    Args:
        task: the attribute that holds the identity.
        trainable: the part of the backbone that trains: none, last_stage or all.
        loss: `cosface` subtracts the margin from the cosine, `arcface` adds it to the angle.
        margin: of the loss, a cosine or radians; None takes the paper's, 0.35 or 0.5.
        scale: factor of the cosines.
        warmup: fraction of the training steps, below 1, in which the learning rate rises to the optimizer's;
            then it falls along a cosine to zero. The schedule is built in because it is stepped every batch
            and needs the number of batches, which only the trainer knows.
        **common: the other arguments of `IdentityModule`.

    Raises:
        ValueError: `task` is not an attribute of the data or has fewer than two identities, or `warmup` is
            not in [0, 1).
    """

    def __init__(
        self,
        *,
        task: str = "identity",
        trainable: Trainable = "all",
        loss: Literal["cosface", "arcface"] = "cosface",
        margin: float | None = None,
        scale: float = 64.0,
        warmup: float = 0.1,
        **common: Any,
    ) -> None:
        super().__init__(task=task, trainable=trainable, **common)
        if len(self.classes) < 2:
            raise ValueError(
                f"task: {task!r} names {len(self.classes)} identities; two are needed to compare"
            )
        if not 0 <= warmup < 1:
            raise ValueError(f"warmup is a fraction of the training in [0, 1), not {warmup}")
        self.warmup = warmup
        shape = {"num_classes": len(self.classes), "embedding_size": self.backbone.num_features}
        if loss == "cosface":
            self.loss = CosFaceLoss(margin=0.35 if margin is None else margin, scale=scale, **shape)
        else:  # the package takes degrees
            degrees = math.degrees(0.5 if margin is None else margin)
            self.loss = ArcFaceLoss(margin=degrees, scale=scale, **shape)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Compute the margin softmax loss of the samples whose identity is known."""
        identity = batch[self.task]
        loss = self.margin_loss(self.embed(self.inputs(batch)), identity)
        self.log("train/loss", loss, on_step=False, on_epoch=True, batch_size=len(identity))
        return loss

    def margin_loss(self, embedding: Tensor, identity: Tensor) -> Tensor:
        """Average the losses of embeddings (N, D) with known identity (N,); 0, with a gradient, without any.

        It is computed in 32 bits whatever the precision: the scale turns the rounding of a 16-bit cosine into
        an error of 0.2.
        """
        known = identity >= 0
        if not known.any():
            return 0.0 * (embedding.sum() + self.loss.W.sum())
        with torch.autocast(embedding.device.type, enabled=False):
            return self.loss(embedding[known], identity[known])

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Build the optimizer of backbone and class centres, and the schedule over all training steps."""
        optimizer = self.optimizer(self.trainable_parameters())
        total = self.trainer.estimated_stepping_batches
        if math.isinf(total):
            raise ValueError("the schedule needs the end of the training: set max_epochs or max_steps")
        factor = functools.partial(warmup_cosine, total=int(total), warmup=self.warmup)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": LambdaLR(optimizer, factor), "interval": "step"},
        }


def warmup_cosine(step: int, *, total: int, warmup: float) -> float:
    """Return the learning rate's factor: linear for `warmup * total` steps, then along a cosine to 0."""
    rise = warmup * total
    if step < rise:
        return (step + 1) / (rise + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / (total - rise)))
