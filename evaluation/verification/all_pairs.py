"""AUC and EER of face verification over all pairs of a set of embeddings."""

from typing import NamedTuple

from torch import Tensor

from evaluation.verification.error_rates import auc, eer
from evaluation.verification.pair_scores import count_pairs


class VerificationResult(NamedTuple):
    """Verification of genuine (same identity) and impostor pairs by cosine; nan unless there are both."""

    auc: float
    """Chance that a genuine pair scores above an impostor pair, ties counting half; in [0, 1]."""
    eer: float
    """Equal error rate in [0, 1]; 0 is perfect."""
    genuine: int
    """Number of genuine pairs."""
    impostor: int
    """Number of impostor pairs."""


def verification(embedding: Tensor, identity: Tensor) -> VerificationResult:
    """Score every pair of samples by the cosine of their embeddings, and compute AUC and EER.

    See `pair_scores.score_pairs` for the precision and `error_rates.eer` for the convention. A representation
    that collapsed to one vector gets 0.5, 0.5.

    Args:
        embedding: (N, D) float; the scale of a row does not matter.
        identity: (N,) int64; rows with -1 (unknown, padding) are ignored.

    Raises:
        ValueError: an embedding of a known identity is zero or not finite, or the shapes do not match.
    """
    counts = count_pairs(embedding, identity, "cosine")[1]
    return VerificationResult(auc(counts), eer(counts), counts.genuine, counts.impostor)
