"""The three networks of MTCNN, each as one module in the layout that is fastest on its device."""

import copy
import itertools
from typing import Any

import torch
from torch import Tensor, nn

CPU_CHUNK = 2**16
"""Input pixels at once on a CPU: the activations (6 MB) then stay in its cache."""

GPU_CHUNK = 2**23
"""Input pixels at once on a GPU: limits the memory to about 1 GB."""


def _joined(heads: list[Any]) -> Any:
    """Join layers over the same input into one, with concatenated outputs."""
    layer = copy.deepcopy(heads[0])
    layer.weight = nn.Parameter(torch.cat([head.weight for head in heads]))
    layer.bias = nn.Parameter(torch.cat([head.bias for head in heads]))
    return layer


class MtcnnNetwork(nn.Module):
    """A network of facenet-pytorch's MTCNN with its output layers joined; the numbers stay the same.

    Args:
        net: `PNet`, `RNet` or `ONet`.
        device: where it runs. On a processor with oneDNN, the convolutions run in oneDNN's blocked layout,
            where pooling takes a tenth of the time; elsewhere in channels-last.
    """

    def __init__(self, net: nn.Module, device: torch.device) -> None:
        super().__init__()
        trunk = [layer for name, layer in net.named_children() if "_" not in name]
        heads = [layer for name, layer in net.named_children() if "_" in name and "softmax" not in name]
        layers = [*trunk, _joined(heads)]
        flat = itertools.dropwhile(lambda layer: not isinstance(layer, nn.Linear), layers)
        self.outputs = len(layers[-1].bias)
        self.dense = nn.Sequential(*flat)
        self.spatial = nn.Sequential(*layers[: len(layers) - len(self.dense)])
        self.blocked = device.type == "cpu" and torch.backends.mkldnn.is_available()
        self.chunk = CPU_CHUNK if device.type == "cpu" else GPU_CHUNK
        self.eval().to(device).to(memory_format=torch.channels_last)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Score and regress (n, 3, h, w) float32 pixels in [0, 255].

        Returns:
            The probability of a face, (n,) or, of P-Net, (n, h', w'), and the remaining outputs, (n, k) or
            (n, k, h', w'): four box offsets, and of O-Net then five x and five y of the landmarks.
        """
        if not len(pixels):
            return pixels.new_empty(0), pixels.new_empty(0, self.outputs - 2)
        pixels = (pixels - 127.5) * 0.0078125
        chunk = max(1, self.chunk // pixels[0, 0].numel())
        outputs = torch.cat([self._spatial(part) for part in pixels.split(chunk)])
        if len(self.dense):
            outputs = self.dense(outputs.permute(0, 3, 2, 1).flatten(1))  # columns first, as trained in Caffe
        return outputs[:, :2].softmax(dim=1)[:, 1], outputs[:, 2:]

    def _spatial(self, x: Tensor) -> Tensor:
        if self.blocked:
            return self.spatial(x.contiguous().to_mkldnn()).to_dense()
        return self.spatial(x.contiguous(memory_format=torch.channels_last))
