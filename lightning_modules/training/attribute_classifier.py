"""Classify one attribute of a face, and evaluate it."""

from typing import Any

from pytorch_lightning.cli import LRSchedulerCallable
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torchmetrics import MeanMetric

from lightning_modules.layers.heads import Head
from lightning_modules.layers.numerics import at_least_float32, masked_mean
from lightning_modules.training.base import Batch, FaceModule
from lightning_modules.training.known_labels import KnownLabels, roles_of
from lightning_modules.training.plateau import step_plateau_schedules


class AttributeClassifier(FaceModule):
    """Classify one attribute with a softmax head on the representation, and evaluate it.

    Methods with another objective override `losses` and `predict`, or the training step.

    Args:
        hidden: units of the head's dense layer.
        scheduler: builds a learning-rate schedule from an optimizer. It is stepped once an epoch;
            `ReduceLROnPlateau` after each validation, by the metric that its `monitor` names, or `val/loss`.
        **common: the arguments of `FaceModule`.
    """

    def __init__(
        self, *, hidden: int = 1024, scheduler: LRSchedulerCallable | None = None, **common: Any
    ) -> None:
        super().__init__(**common)
        self.scheduler = scheduler
        self.head = Head(self.backbone.num_features, self.outputs, hidden)
        self.means = nn.ModuleDict(
            {f"{stage}_{name}": _mean() for stage in ("val", "test") for name in ("loss", "accuracy")}
        )

    @property
    def outputs(self) -> int:
        """Number of logits of the head: one per class."""
        return len(self.classes)

    def losses(self, logits: Tensor, target: Tensor) -> Tensor:
        """Compute the cross entropy (N,) of logits (N, C); 0 where the target is unknown (-1)."""
        return functional.cross_entropy(logits, target, ignore_index=-1, reduction="none")

    def predict(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Return the most probable class (N,) int64 and the probabilities (N, C)."""
        return logits.argmax(1), logits.softmax(1)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor | dict[str, Tensor]:
        """Compute the mean loss of the samples whose class is known."""
        target = batch[self.task]
        loss = masked_mean(self.losses(self(self.inputs(batch)), target), target)
        self.log("train/loss", loss, on_step=False, on_epoch=True, batch_size=len(target))
        return loss

    def forward(self, image: Tensor) -> Tensor:
        """Compute logits (N, outputs) float32 of images (N, 3, H, W); float64 in 64-bit training."""
        return at_least_float32(self.head(self.embed(image)))

    def evaluate(self, batch: Batch, stage: str) -> Batch:
        """Log loss and accuracy over the known targets, and return the predictions for the callbacks.

        Returns:
            `prediction` (N,) int64, `target` (N,) int64 and `score` (N,) or (N, C) float.
        """
        target = batch[self.task]
        logits = self(self.inputs(batch))
        prediction, score = self.predict(logits)
        known = target >= 0
        values = {"loss": self.losses(logits, target), "accuracy": (prediction == target).float()}
        for name, value in values.items():
            mean: Any = self.means[f"{stage}_{name}"]
            mean.update(value[known])  # torchmetrics 1.9 drops `weight` with nan_strategy="disable"
            self.log(f"{stage}/{name}", mean, on_step=False, on_epoch=True, batch_size=len(target))
        return {"prediction": prediction, "target": target, "score": score}

    def validation_step(self, batch: Batch, batch_idx: int) -> Batch:
        """Evaluate a validation batch."""
        return self.evaluate(batch, "val")

    def test_step(self, batch: Batch, batch_idx: int) -> Batch:
        """Evaluate a test batch."""
        return self.evaluate(batch, "test")

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Build the optimizer of all parameters that train, and its schedule."""
        optimizer = self.optimizer(self.trainable_parameters())
        if self.scheduler is None:
            return optimizer
        # Lightning must not step it on a plateau, see `step_plateau_schedules`
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": self.scheduler(optimizer), "reduce_on_plateau": False},
        }

    def lr_scheduler_step(self, scheduler: Any, metric: Any) -> None:
        """Step a schedule once an epoch, unless it waits for the validation's metric."""
        if not isinstance(scheduler, ReduceLROnPlateau):
            super().lr_scheduler_step(scheduler, metric)

    def on_train_start(self) -> None:
        """Start counting the labels that training uses."""
        self.known_labels = KnownLabels(roles_of(self, self.learns))

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Count the batch's known labels."""
        self.known_labels.add(batch)

    def on_train_epoch_end(self) -> None:
        """Warn of attributes without any label in the epoch."""
        super().on_train_epoch_end()
        self.known_labels.warn(self.trainer)

    def on_validation_epoch_end(self) -> None:
        """Step the schedules that wait for a metric; all metrics are logged by now."""
        step_plateau_schedules(self)


def _mean() -> MeanMetric:
    return MeanMetric(nan_strategy="disable")  # a loss that is nan must be seen
