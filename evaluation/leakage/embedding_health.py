"""Detect a collapsed representation, which looks blind to probes that do not standardise it."""

import torch
from torch import Tensor


def scale(embedding: Tensor) -> float:
    """Compute the root mean square over the dimensions of the standard deviations of embeddings (N, D)."""
    return embedding.detach().double().var(0, correction=0).mean().sqrt().item()


def effective_rank(embedding: Tensor) -> float:
    """Compute the effective rank of centred embeddings (N, D): exp of the entropy of their singular values.

    It lies between 1 (a line) and min(N - 1, D) (all directions alike), whatever the scale; it is 0 for a
    constant and nan for embeddings that are not finite.
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
    """Check whether embeddings (N, D) hardly vary compared with their source, or only along a line.

    Args:
        embedding: the representation.
        source_scale: `scale` of its input, or of the representation before training, on the same samples.
        min_relative_scale: lowest `scale` of the embedding that is no collapse, in units of the source's.
        min_effective_rank: lowest `effective_rank` that is no collapse.
    """
    # not >=: a nan is a collapse as well
    large = scale(embedding) >= min_relative_scale * source_scale
    return not (large and effective_rank(embedding) >= min_effective_rank)
