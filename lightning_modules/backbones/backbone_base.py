"""The base of all backbones: a network, its input, and the part of it that trains."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

Trainable = Literal["none", "last_stage", "all"]


@dataclass(frozen=True)
class InputSpec:
    """The input a network was trained with.

    Args:
        input_size: height and width in pixels.
        channel_order: `rgb` or `bgr`.
        scale: the value of full intensity, 1 or 255.
        mean: subtracted from each channel, in `scale` units and in `channel_order`.
        std: each channel is divided by it after that.
    """

    input_size: int
    channel_order: Literal["rgb", "bgr"] = "rgb"
    scale: float = 1.0
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        if self.channel_order not in ("rgb", "bgr"):
            raise ValueError(f"channel_order is rgb or bgr, not {self.channel_order!r}")
        if not isinstance(self.input_size, int) or self.input_size < 1:
            raise ValueError(f"input_size is a number of pixels, not {self.input_size!r}")
        if len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0:
            raise ValueError(f"mean and std hold three values each, std positive: {self.mean}, {self.std}")

    def take(self, options: dict[str, Any]) -> "InputSpec":
        """Return a copy with the fields that `options` names, which are removed from `options`."""
        given = {name: options.pop(name) for name in asdict(self) if name in options}
        given |= {name: tuple(given[name]) for name in ("mean", "std") if name in given}
        return replace(self, **given)

    def as_options(self) -> dict[str, Any]:
        """Return the fields as plain values for JSON and YAML."""
        return asdict(self) | {"mean": list(self.mean), "std": list(self.std)}


def _image_of(per_channel: Tensor, size: int) -> Tensor:
    """Expand values (3, 1, 1) to an image (1, 3, size, size) in the memory layout of the images.

    Broadcasting over three innermost channels would take a CPU ten times as long.
    """
    return per_channel.expand(1, 3, size, size).contiguous(memory_format=torch.channels_last)


class Preprocess(nn.Module):
    """Convert FaceBatch images to a network's input, on their device.

    Args:
        spec: the network's input.
    """

    gain: Tensor
    shift: Tensor

    def __init__(self, spec: InputSpec) -> None:
        super().__init__()
        self.spec = spec
        mean, std = torch.tensor(spec.mean).view(3, 1, 1), torch.tensor(spec.std).view(3, 1, 1)
        # (x * scale - mean) / std in one multiplication and one addition
        self.register_buffer("gain", _image_of(spec.scale / std, spec.input_size), persistent=False)
        self.register_buffer("shift", _image_of(-mean / std, spec.input_size), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """Resize (bilinear, antialiased) and normalise.

        Args:
            image: (N, 3, H, W) RGB, uint8 or floating in [0, 1].

        Returns:
            (N, 3, S, S) in the network's channel order and range.

        Raises:
            ValueError: another shape or type.
        """
        if image.ndim != 4 or image.shape[1] != 3:
            raise ValueError(f"images are (N, 3, H, W), not {tuple(image.shape)}")
        if image.dtype != torch.uint8 and not image.is_floating_point():
            raise ValueError(f"images are uint8, or floating in [0, 1], not {image.dtype}")
        size = (self.spec.input_size, self.spec.input_size)
        x = image.to(torch.float32, memory_format=torch.channels_last)
        if x.shape[2:] != size:
            x = functional.interpolate(x, size, mode="bilinear", antialias=True)
        if self.spec.channel_order == "bgr":
            x = x.flip(1)
        gain = self.gain.float()
        # in place where the tensor is a new one
        x = x.mul_(gain / 255.0) if image.dtype == torch.uint8 else x * gain
        x.add_(self.shift.float())
        # the network's type, where a trainer has converted it, and its memory layout
        return x.to(self.gain.dtype, memory_format=torch.channels_last)


def plain_backbone(
    name: str, network: nn.Module, num_features: int, input_spec: InputSpec, last_stage: str | tuple[str, ...]
) -> "Backbone":
    """Build a backbone without options; the parameters of its last stage start with `last_stage`."""
    return Backbone(
        network,
        num_features=num_features,
        input_spec=input_spec,
        last_stage=[key for key, _ in network.named_parameters() if key.startswith(last_stage)],
        recipe={"name": name, "weights": "checkpoint"},
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
