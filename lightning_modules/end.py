"""EnD: entangling and disentangling representations, to correct a bias (Tartaglione et al., CVPR 2021)."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from lightning_modules.training.base import Batch
from lightning_modules.training.sensitive_classifier import SensitiveClassifier


class EnD(SensitiveClassifier):
    """Train a classifier with two regularisers on the cosines between embeddings, without an adversary.

    L = L_task + alpha * R_orthogonal + beta * R_parallel, with the defaults of the
    authors' code (EIDOSLAB/entangling-disentangling-bias). With several processes, pairs are
    formed within each process' own batch.

    Args:
        alpha: weight of the term that decorrelates faces of one sensitive class.
        beta: weight of the term that pulls faces of one task class and different sensitive classes together.
        **common: the other arguments of `SensitiveClassifier`.

    Raises:
        ValueError: a negative weight.
    """

    def __init__(self, *, alpha: float = 0.1, beta: float = 0.1, **common: Any) -> None:
        super().__init__(**common)
        if min(alpha, beta) < 0:
            raise ValueError(f"alpha and beta cannot be negative: {alpha}, {beta}")
        self.alpha, self.beta = alpha, beta

    def training_step(  # type: ignore[override]  # Lightning takes a tensor or a dict with `loss`
        self, batch: Batch, batch_idx: int
    ) -> dict[str, Tensor]:
        """Compute the cross entropy and both regularisers."""
        output = self.forward_batch(batch)
        task = self.task_loss(output.logits, batch)
        gram = cosines(output.embedding)
        orthogonal = orthogonality(gram, batch[self.sensitive], len(self.sensitive_classes))
        parallel = parallelism(gram, batch[self.task], batch[self.sensitive])
        loss = task + self.alpha * orthogonal + self.beta * parallel
        return self.log_terms(len(gram), loss=loss, task=task, orthogonal=orthogonal, parallel=parallel)


def cosines(embedding: Tensor) -> Tensor:
    """Compute the cosines (N, N) of all pairs of embeddings (N, D): the entries i > j, the others are 0.

    In the authors' networks the classifier's input is normalised too; here it is not.
    """
    unit = functional.normalize(embedding)
    return (unit @ unit.T).tril(-1)


def orthogonality(gram: Tensor, sensitive: Tensor, classes: int) -> Tensor:
    """Compute R_orthogonal: sum over sensitive classes of |sum of its pairs' cosines| / number of pairs.

    Args:
        gram: (N, N) cosines of the pairs i > j.
        sensitive: (N,) int64, -1 where unknown. Without a pair of one class the result is 0.
        classes: number of sensitive classes.
    """
    member = (sensitive[:, None] == torch.arange(classes, device=gram.device)).to(gram.dtype)  # (N, classes)
    sums = (member * (gram @ member)).sum(0)
    sizes = member.sum(0)
    pairs = (sizes * (sizes - 1) / 2).sum()
    return sums.abs().sum() / pairs.clamp(min=1)


def parallelism(gram: Tensor, task: Tensor, sensitive: Tensor) -> Tensor:
    """Compute R_parallel: 1 - mean (1 + cosine) / 2 over pairs of one task class and two sensitive classes.

    All such pairs count, as in the paper; the authors' code uses only those whose later sample in the batch
    has the lower sensitive class, half of them by chance.

    Args:
        gram: (N, N) cosines of the pairs i > j.
        task: (N,) int64, -1 where unknown.
        sensitive: (N,) int64, -1 where unknown. Without such a pair the result is 0.
    """
    known = (task >= 0) & (sensitive >= 0)
    pair = known[:, None] & known & (task[:, None] == task) & (sensitive[:, None] != sensitive)
    pair = pair.tril(-1)
    return ((1 - gram) / 2 * pair).sum() / pair.sum().clamp(min=1)
