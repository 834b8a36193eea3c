"""The thesis' fairness experiment: a binary classifier of attractiveness with a sensitive attribute."""

from typing import Any

from torch import Tensor
from torch.nn import functional

from lightning_modules.training.attribute_classifier import AttributeClassifier
from lightning_modules.training.base import Batch


class Attractiveness(AttributeClassifier):
    """Classify a binary attribute with one sigmoid unit (thesis, section 4.3; table 4.2).

    Equal opportunity requires the same true positive rate in every group of the sensitive attribute.

    Args:
        task: the binary attribute that is learned.
        sensitive: the protected attribute; training ignores it, the evaluation step returns it.
        **common: the other arguments of `AttributeClassifier`.

    Raises:
        ValueError: `task` or `sensitive` is not an attribute of the data, or the task has not two classes.
    """

    learns = ("task",)

    def __init__(self, *, task: str = "attractive", sensitive: str = "smiling", **common: Any) -> None:
        super().__init__(task=task, **common)
        self.classes_of("sensitive", sensitive)
        self.sensitive = sensitive
        if len(self.classes) != 2:
            raise ValueError(f"task: {task!r} has {len(self.classes)} classes, not two; use Baseline for it")

    @property
    def outputs(self) -> int:
        """Number of logits: one, of the second class."""
        return 1

    def losses(self, logits: Tensor, target: Tensor) -> Tensor:
        """Compute the binary cross entropy (N,) of logits (N, 1)."""
        return functional.binary_cross_entropy_with_logits(
            logits[:, 0], target.clamp(min=0).to(logits.dtype), reduction="none"
        )

    def predict(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Return whether the logit is positive (N,) int64, and the probability of the second class (N,)."""
        return (logits[:, 0] > 0).long(), logits[:, 0].sigmoid()

    def evaluate(self, batch: Batch, stage: str) -> Batch:
        """Evaluate as the base does, and return the groups as `sensitive` (N,) int64 too."""
        return super().evaluate(batch, stage) | {"sensitive": batch[self.sensitive]}
