"""A small FaceNet file with random weights, as a converted network is published."""

import json
from pathlib import Path
from typing import Any

import torch
from facenet_pytorch import InceptionResnetV1
from safetensors.torch import save_file
from torch import nn

WIDTH, SIZE = 24, 80
STATED: dict[str, Any] = {
    "input_size": SIZE,
    "channel_order": "rgb",
    "normalisation": "per-image standardisation: (x - mean(x)) / max(std(x), 1/sqrt(number of values))",
    "resize": "bilinear",
}


def write_facenet(path: Path) -> Path:
    """Write float16 weights of 24 outputs, with metadata."""
    torch.manual_seed(0)
    network = InceptionResnetV1()
    network.last_linear = nn.Linear(1792, WIDTH, bias=False)
    network.last_bn = nn.BatchNorm1d(WIDTH)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
            nn.init.uniform_(module.running_mean, -0.1, 0.1)
    state = {k: v.half() if v.is_floating_point() else v for k, v in network.state_dict().items()}
    save_file(state, path, metadata={"preprocessing": json.dumps(STATED)})
    return path
