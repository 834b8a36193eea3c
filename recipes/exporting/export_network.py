"""The network of an export, without the heads that trained it, and its description."""

from importlib import metadata
from typing import Any

import torch
from torch import Tensor, nn

from callbacks.run_record import DISTRIBUTION
from lightning_modules.training.base import FaceModule
from recipes.command_line.usage_error import UsageError

INPUT, OUTPUT, BATCH = "image", "embedding", "batch"
"""Names of the tensors and of the open dimension."""


class EmbeddingNetwork(nn.Module):
    """`embed` of a module as a network of its own, preprocessing included, without heads and adversaries.

    Args:
        module: in eval mode.

    Raises:
        UsageError: the module embeds no images.
    """

    def __init__(self, module: FaceModule) -> None:
        super().__init__()
        if module.backbone.reads != "image":
            raise UsageError(
                f"the backbone {module.backbone.recipe['name']} reads embeddings, not images, so there is no "
                "network to export; train the method on images, or export the recogniser itself"
            )
        self.backbone = module.embedding_network()
        self.eval()

    @property
    def example(self) -> Tensor:
        """Two images to trace the network with."""
        size = self.backbone.input_spec.input_size
        return torch.linspace(0, 1, 2 * 3 * size * size).view(2, 3, size, size)

    def forward(self, image: Tensor) -> Tensor:
        """Embed images (N, 3, S, S) RGB float32 in [0, 1] as (N, D) float32."""
        return self.backbone(image).float()


def describe(network: EmbeddingNetwork, facts: dict[str, str]) -> dict[str, Any]:
    """Describe the export for its files, as values that JSON can write.

    Args:
        network: what is exported.
        facts: from `embedder.embedder_facts`.
    """
    spec = network.backbone.input_spec
    with torch.no_grad():
        length = network(network.example).shape[1]
    return {
        "input": {
            "name": INPUT,
            "shape": [BATCH, 3, spec.input_size, spec.input_size],
            "type": "float32",
            "range": [0, 1],
            "channel_order": "rgb",
            "resize": "bilinear with antialiasing, before the network",
            "normalisation": "inside the network",
        },
        "normalisation": {k: v for k, v in spec.as_options().items() if k != "input_size"},
        "output": {"name": OUTPUT, "shape": [BATCH, length], "type": "float32"},
        "backbone": network.backbone.recipe["name"],
        "facts": facts,
        "package": f"{DISTRIBUTION} {metadata.version(DISTRIBUTION)}",
    }
