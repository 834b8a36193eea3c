"""The base of all backbones: a network, its input, and the part of it that trains."""

from typing import Any, Literal

import torch
from torch import Tensor, nn

from lightning_modules.backbones.preprocessing import InputSpec, Preprocess

Trainable = Literal["none", "last_stage", "all"]


def plain_backbone(
    name: str,
    network: nn.Module,
    num_features: int,
    input_spec: InputSpec,
    last_stage: str | tuple[str, ...],
    options: dict[str, Any] | None = None,
) -> "Backbone":
    """Build a backbone whose last stage is the parameters that start with `last_stage`."""
    return Backbone(
        network,
        num_features=num_features,
        input_spec=input_spec,
        last_stage=[key for key, _ in network.named_parameters() if key.startswith(last_stage)],
        recipe={"name": name, "weights": "checkpoint"} | ({"options": options} if options else {}),
    )


class Backbone(nn.Module):
    """A network from face images to embeddings, of which all, a part or nothing trains.

    The frozen part has `requires_grad` False, so that autograd records nothing for it, and is always in eval
    mode: its BatchNorm statistics do not move and its dropout is off.

    Args:
        network: from preprocessed images (N, 3, S, S) to (N, D).
        num_features: D.
        input_spec: the input of the network.
        last_stage: names of the parameters of the network's last stage.
        recipe: keywords of `build_backbone` that build this architecture, to load a state dict into.
    """

    reads = "image"
    """Key of the FaceBatch that is its input."""
    random = False
    """Whether its frozen part holds untrained random values."""

    def __init__(
        self,
        network: nn.Module,
        *,
        num_features: int,
        input_spec: InputSpec,
        last_stage: list[str],
        recipe: dict[str, Any],
    ) -> None:
        super().__init__()
        # convolutions are faster with the channels innermost, on CPUs and on GPUs
        self.network = network.to(memory_format=torch.channels_last)
        self.preprocess = Preprocess(input_spec)
        self.num_features, self.input_spec = num_features, input_spec
        self.last_stage, self.recipe = last_stage, recipe
        self._frozen: list[nn.Module] = []

    def forward(self, image: Tensor) -> Tensor:
        """Compute embeddings (N, D) of images (N, 3, H, W) RGB of any size, uint8 or floating in [0, 1]."""
        return self.network(self.preprocess(image))

    def set_trainable(self, trainable: Trainable) -> None:
        """Select the part that trains: nothing, the last stage or everything.

        Raises:
            ValueError: the network's last stage is not known.
        """
        if trainable == "last_stage" and not self.last_stage:
            raise ValueError(f"no last stage is known of {self.recipe['name']}: set trainable to none or all")
        for name, parameter in self.network.named_parameters():
            parameter.requires_grad_(
                trainable == "all" or (trainable == "last_stage" and name in self.last_stage)
            )
        self._frozen = [] if trainable == "all" else _frozen_modules(self.network)
        self.train(self.training)

    def train(self, mode: bool = True) -> "Backbone":
        """Set the mode of the part that trains; the frozen part stays in eval mode."""
        super().train(mode)
        for module in self._frozen:
            module.eval()
        return self


def _frozen_modules(network: nn.Module) -> list[nn.Module]:
    """List modules that do not train; those without any parameter only before the part that trains."""
    frozen, reached = [], False
    for module in network.modules():
        parameters = list(module.parameters())
        if any(p.requires_grad for p in parameters):
            reached = reached or any(p.requires_grad for p in module.parameters(recurse=False))
        elif parameters or not reached:
            frozen.append(module)
    return frozen
