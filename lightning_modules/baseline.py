"""The plain classifier that every other method is compared with."""

from torch import Tensor
from torch.nn import functional

from lightning_modules.training.base import AttributeClassifier, Batch, mean_of_known


class Baseline(AttributeClassifier):
    """Softmax classifier of any attribute on a frozen or fine-tuned representation (thesis, section 3.2).

    Args:
        **common: the arguments of `AttributeClassifier`.
    """

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Cross entropy of the samples whose class is known."""
        target = batch[self.task]
        loss = mean_of_known(self.losses(self(self.inputs(batch)), target), target)
        self.log("train/loss", loss, on_step=False, on_epoch=True, batch_size=len(target))
        return loss

    def losses(self, logits: Tensor, target: Tensor) -> Tensor:
        """Cross entropy (N,) of logits (N, C)."""
        return functional.cross_entropy(logits, target, ignore_index=-1, reduction="none")

    def predict(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """The most probable class (N,), and all probabilities (N, C)."""
        return logits.argmax(1), logits.softmax(1)
