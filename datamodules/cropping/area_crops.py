"""Crop and reduce many images at once by area averaging, from one summed-area table."""

from collections.abc import Iterator

import cv2
import torch
import torch.nn.functional as F
from torch import Tensor

PART = 2**17
"""Pixels to process at a time, so that intermediate results stay in the CPU cache."""


def bins(length: Tensor | int, count: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the first pixel, and the one after the last, of each of `count` bins over `length` pixels.

    The bins are those of adaptive average pooling: they share a pixel if `length` is not a multiple of
    `count`.

    Args:
        length: a number of pixels, or (..., 1) of them.
        count: number of bins.
        device: of the result.

    Returns:
        Two (count,) or (..., count) int64 tensors.
    """
    place = torch.arange(count, device=device)
    return place * length // count, ((place + 1) * length + count - 1) // count


class AreaCrops:
    """Area-averaged views of a batch of images, equal to `interpolate(..., mode="area")` to the bit.

    A summed-area table (Crow, SIGGRAPH 1984) gives the sum over any rectangle from its four corners. The
    sums are int32 and wrap around in large images; their differences do so too, and are right as long as one
    bin has fewer than 2^23 pixels.

    Args:
        images: (B, H, W, 3) uint8.
    """

    def __init__(self, images: Tensor) -> None:
        self.height, self.width = images.shape[1:3]
        self.table = _integrals(images)

    def resize(self, height: int, width: int) -> Iterator[Tensor]:
        """Resize the whole images, a few at a time: (n, 3, height, width) float32 in [0, 255]."""
        top, bottom = bins(self.height, height, self.table.device)
        left, right = bins(self.width, width, self.table.device)
        heights, widths = (bottom - top)[:, None].to(torch.float32), (right - left).to(torch.float32)
        for table in self.table.split(max(1, PART // (height * width))):
            sums = table.index_select(1, bottom) - table.index_select(1, top)
            sums = sums.index_select(2, right) - sums.index_select(2, left)
            yield _mean(sums, heights, widths)

    def crop(self, image: Tensor, first: Tensor, end: Tensor, size: int) -> Iterator[Tensor]:
        """Crop and resize rectangles, some at a time: (m, 3, size, size) float32 in [0, 255].

        Args:
            image: (n,) int64, index of the image.
            first: (n, 2) int64, column and row of the first pixel.
            end: (n, 2) int64, column and row after the last pixel; greater than `first`, within the image.
            size: side of the crops in pixels.
        """
        _, rows, columns, channels = self.table.shape
        low, high = bins((end - first)[:, :, None], size, first.device)
        across, down = (torch.cat((low, high), dim=2) + first[:, :, None]).unbind(dim=1)  # (n, 2 size)
        down = (down + image[:, None] * rows) * columns
        widths, heights = (high - low).to(torch.float32)[:, :, None].unbind(dim=1)  # (n, 1, size)
        pieces = (down[:, :, None], across[:, None], heights[..., None], widths[:, :, None])
        for y, x, h, w in zip(*(t.split(max(1, PART // size**2)) for t in pieces), strict=True):
            sums = self.table.view(-1, channels).index_select(0, (y + x).view(-1))
            sums = sums.view(len(y), 2, size, 2, size, channels)
            sums = sums[:, 1] - sums[:, 0]
            yield _mean(sums[:, :, 1] - sums[:, :, 0], h, w)


def _integrals(images: Tensor) -> Tensor:
    """Sum all pixels above and left of each corner: (B, H + 1, W + 1, 3) int32."""
    if not images.is_cpu:
        return _cumulated(images)
    count, height, width, channels = images.shape
    table = torch.empty(count, height + 1, width + 1, channels, dtype=torch.int32)
    for image, sums in zip(images.numpy(), table.numpy(), strict=True):
        cv2.integral(image, sums, cv2.CV_32S)  # a tenth of the time of cumsum
    return table


def _cumulated(images: Tensor) -> Tensor:
    sums = images.cumsum(2, dtype=torch.int32).cumsum(1, dtype=torch.int32)
    return F.pad(sums, (0, 0, 1, 0, 1, 0))


def _mean(sums: Tensor, heights: Tensor, widths: Tensor) -> Tensor:
    """Turn (n, h, w, 3) sums over bins of these sizes into (n, 3, h, w) means."""
    planes = sums.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format)
    # one side after the other, as adaptive pooling divides, for the same rounding
    planes /= heights
    planes /= widths
    return planes
