"""The thesis' fairness experiment: is attractiveness judged by the smile?"""

from typing import Any

from torch import Tensor
from torch.nn import functional

from lightning_modules.training.attribute_classifier import AttributeClassifier
from lightning_modules.training.base import Batch


class Attractiveness(AttributeClassifier):
    """Binary classifier with one sigmoid unit (thesis, section 4.3; table 4.2).

    Equal opportunity asks that the true positive rate be the same in every group of the sensitive attribute.

    Args:
        task: the binary attribute that is learned.
        sensitive: the protected attribute; training does not look at it, the evaluation step passes it on.
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
        """One logit, of the second class."""
        return 1

    def losses(self, logits: Tensor, target: Tensor) -> Tensor:
        """Binary cross entropy (N,) of logits (N, 1)."""
        return functional.binary_cross_entropy_with_logits(
            logits[:, 0], target.clamp(min=0).to(logits.dtype), reduction="none"
        )

    def predict(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Whether the logit is positive (N,), and the probability of the second class (N,)."""
        return (logits[:, 0] > 0).long(), logits[:, 0].sigmoid()

    def evaluate(self, batch: Batch, stage: str) -> Batch:
        """As in the base, with the groups as `sensitive` (N,) int64."""
        return super().evaluate(batch, stage) | {"sensitive": batch[self.sensitive]}
