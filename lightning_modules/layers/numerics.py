"""Arithmetic for mixed precision and unknown labels."""

import torch
from torch import Tensor


def masked_mean(losses: Tensor, target: Tensor) -> Tensor:
    """Average the losses (N,) of samples with a known target (N,); 0, with a gradient, without any."""
    known = target >= 0
    return (losses * known).sum() / known.sum().clamp(min=1)


def at_least_float32(x: Tensor) -> Tensor:
    """Convert to at least 32 bits, for the losses of mixed-precision training."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
