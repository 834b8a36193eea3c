"""The colours of coloured MNIST (Kim et al., Learning Not to Learn, CVPR 2019, section 4.1)."""

import torch
from torch import Tensor

from datamodules.loading.counter_rng import uniform

COLORS: dict[str, tuple[int, int, int]] = {
    "crimson": (220, 20, 60),
    "teal": (0, 128, 128),
    "lemon": (253, 233, 16),
    "bondi_blue": (0, 149, 182),
    "carrot": (237, 145, 33),
    "violet": (145, 30, 188),
    "cyan": (70, 240, 240),
    "pink": (250, 197, 187),
    "lime": (210, 245, 60),
    "maroon": (128, 0, 0),
}
"""The ten mean colours, 8-bit RGB; in training, digit d has the d-th."""

BINS = 8
"""Classes of a colour label: a channel's 256 values in eighths."""

_COLOR_STREAM, _JITTER_STREAM = 300, 301


def draw_color(seed: int, split: int, index: Tensor) -> Tensor:
    """Draw a colour (N,) int64 for each image of a split at `index` (N,), all ten equally likely."""
    return (uniform(seed, _COLOR_STREAM, torch.tensor(split), index) * len(COLORS)).long()


def draw_jittered(color: Tensor, variance: float, seed: int, split: int, index: Tensor) -> Tensor:
    """Draw from mean + N(0, variance), truncated to [0, 1]: one draw per image and channel.

    This is the distribution of redrawing until the value is in range; here it depends only on (seed, split,
    index), by the inverse of its distribution function.

    Args:
        color: (N,) int64, index of the mean.
        variance: of the jitter before truncation, on the scale where a channel goes from 0 to 1.
        seed: of the draws.
        split: number of the split.
        index: (N,) int64, index of each image in the split.

    Returns:
        (N, 3) float32 RGB in [0, 1].
    """
    mean = torch.tensor(list(COLORS.values()), dtype=torch.float64)[color] / 255
    if not variance:
        return mean.float()
    share = uniform(seed, _JITTER_STREAM, torch.tensor(split), index[:, None], torch.arange(3))
    low, high = (torch.special.ndtr((end - mean) / variance**0.5) for end in (0, 1))
    jitter = variance**0.5 * torch.special.ndtri(low + (high - low) * share)
    return (mean + jitter).clamp(0, 1).float()  # the ends are reached but for rounding


def paint(grey: Tensor, rgb: Tensor) -> Tensor:
    """Multiply grey images (N, H, W) uint8 by one colour each (N, 3) in [0, 1]: (N, 3, H, W) uint8."""
    return (grey[:, None] * rgb[:, :, None, None]).round_().to(torch.uint8)


def color_labels(image: Tensor) -> Tensor:
    """Label the colour map that LNTL's predictors learn: each channel's eighth at every other pixel.

    Follows the official data_loader.py: Pillow's nearest neighbour takes pixel 2i + 1 of the 28 for pixel i
    of the 14, and a value is ignored if it is 0, channel by channel (so where a colour has no green, the
    green of the whole digit is ignored, not only that of the background). It writes 255 where this has -1.

    Args:
        image: (N, 3, 28, 28) uint8.

    Returns:
        (N, 3, 14, 14) int64, 0 to 7, or -1 where the value is 0.
    """
    small = image[..., 1::2, 1::2].contiguous()
    return (small // (256 // BINS)).long() - (small == 0).long()  # 0 // 32 - 1 is -1
