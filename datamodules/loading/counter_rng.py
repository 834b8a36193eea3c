"""Random numbers that are a pure function of counters, so that any sample can be drawn on its own.

Generators of torch draw in sequence: sample 7 would depend on how many were drawn before it. Here each number
is a hash of (seed, stream, counters), mixed by the finaliser of SplitMix64 (Steele et al., OOPSLA 2014).
"""

from functools import cache

import torch
from torch import Tensor

_GOLDEN = -7046029254386353131  # 2**64 / golden ratio, odd, as a signed 64-bit integer
_QUANTILE_BITS = 16


def _shifted(x: Tensor, bits: int) -> Tensor:
    return x ^ ((x >> bits) & ((1 << (64 - bits)) - 1))  # >> keeps the sign, the mask drops its copies


def _mixed(x: Tensor) -> Tensor:
    x = _shifted(x, 30) * -4658895280553007687
    x = _shifted(x, 27) * -7723592293110705685
    return _shifted(x, 31)


def hashed(seed: int, stream: int, *counters: Tensor) -> Tensor:
    """Hash (seed, stream, counters) to int64, of the counters' broadcast shape.

    Args:
        seed: of the whole data set, any integer of 64 bits.
        stream: purpose of the numbers; different streams are independent.
        *counters: int64 tensors that identify the draw, such as identity and image number.
    """
    state = _mixed(torch.tensor(stream) * _GOLDEN + seed)
    for counter in counters:
        state = _mixed(state + (counter + 1) * _GOLDEN)
    return state


def uniform(seed: int, stream: int, *counters: Tensor) -> Tensor:
    """Draw uniformly from [0, 1): float64, of the counters' broadcast shape; arguments as in `hashed`."""
    return ((hashed(seed, stream, *counters) >> 11) & ((1 << 53) - 1)).double() * 2.0**-53


@cache
def _normal_quantiles() -> Tensor:
    levels = 1 << _QUANTILE_BITS
    return torch.special.ndtri((torch.arange(levels, dtype=torch.float64) + 0.5) / levels).float()


def normal(seed: int, stream: int, *counters: Tensor) -> Tensor:
    """Draw standard normal numbers: float32, of the counters' broadcast shape; arguments as in `hashed`.

    Each is one of 65,536 quantiles (so within +-4.4): a table look-up gives the same bits in any batch,
    whereas vectorised logarithms and cosines may differ in the last bit with the place of a number in memory.
    """
    bits = hashed(seed, stream, *counters) >> (63 - _QUANTILE_BITS)
    return _normal_quantiles()[bits & ((1 << _QUANTILE_BITS) - 1)]
