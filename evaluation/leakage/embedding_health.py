"""Has a representation collapsed? One that hardly varies looks blind to probes that do not standardise."""

import torch
from torch import Tensor


def scale(embedding: Tensor) -> float:
    """Root mean square over the dimensions of each one's standard deviation, of embeddings (N, D)."""
    return embedding.detach().double().var(0, correction=0).mean().sqrt().item()


def effective_rank(embedding: Tensor) -> float:
    """How many directions centred embeddings (N, D) vary in: exp of the entropy of their singular values.

    Between 1 (a line) and min(N - 1, D) (all directions alike), whatever the scale; 0 for a constant, nan for
    what is not finite.
    Source: Roy and Vetterli, "The effective rank", EUSIPCO 2007.
    """
    centred = embedding.detach().double()
    centred = centred - centred.mean(0)
    if not centred.isfinite().all():
        return float("nan")
    if not centred.any():
        return 0.0
    values = torch.linalg.svdvals(centred)
    return torch.special.entr(values / values.sum()).sum().exp().item()


def collapsed(
    embedding: Tensor,
    source_scale: float,
    *,
    min_relative_scale: float = 1e-3,
    min_effective_rank: float = 2.0,
) -> bool:
    """Whether embeddings (N, D) hardly vary beside what they were made of, or along a line only.

    Args:
        embedding: the representation.
        source_scale: `scale` of its input, or of what it was before training, on the same samples.
        min_relative_scale: least `scale` of the embedding, in units of the source's.
        min_effective_rank: least `effective_rank`.
    """
    # not >=: a nan is a collapse as well
    wide = scale(embedding) >= min_relative_scale * source_scale
    return not (wide and effective_rank(embedding) >= min_effective_rank)
