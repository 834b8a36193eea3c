"""The gradient reversal layer (Ganin and Lempitsky, ICML 2015, section 3)."""

import math
from typing import Any

import torch
from torch import Tensor


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: float) -> Tensor:
        ctx.factor = factor
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -ctx.factor * gradients[0], None


def reverse_gradient(x: Tensor, factor: float) -> Tensor:
    """Return `x` unchanged; its gradient is multiplied by `-factor`."""
    return _Reverse.apply(x, factor)


def dann_ramp(progress: float) -> float:
    """Return the factor that phases an adversary in: 0 at `progress` 0, almost 1 at 1 (section 4)."""
    return 2 / (1 + math.exp(-10 * progress)) - 1
