"""The input of a network, and its preparation from images on their device."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

Normalisation = Literal["fixed", "per_image"]

MAX_INPUT_SIZE = 4096
"""Pixels; a damaged file must not ask for all memory."""


@dataclass(frozen=True)
class InputSpec:
    """The input a network was trained with.

    Args:
        input_size: height and width in pixels, at most 4096.
        channel_order: `rgb` or `bgr`.
        scale: the value of full intensity, 1 or 255.
        mean: subtracted from each channel, in `scale` units and in `channel_order`.
        std: each channel is divided by it after that.
        normalisation: `fixed`, as above; or `per_image`, by each image's own moments, see
            `standardise_images`, where `scale`, `mean` and `std` are not used and keep their defaults.
    """

    input_size: int
    channel_order: Literal["rgb", "bgr"] = "rgb"
    scale: float = 1.0
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    normalisation: Normalisation = "fixed"

    def __post_init__(self) -> None:
        if self.normalisation not in get_args(Normalisation):
            raise ValueError(f"normalisation is fixed or per_image, not {self.normalisation!r}")
        if self.channel_order not in ("rgb", "bgr"):
            raise ValueError(f"channel_order is rgb or bgr, not {self.channel_order!r}")
        if not isinstance(self.input_size, int) or not 1 <= self.input_size <= MAX_INPUT_SIZE:
            raise ValueError(
                f"input_size is a number of pixels, 1 to {MAX_INPUT_SIZE}, not {self.input_size!r}"
            )
        if len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0:
            raise ValueError(f"mean and std hold three values each, std positive: {self.mean}, {self.std}")
        constants = {"scale": self.scale, "mean": self.mean, "std": self.std}
        if self.normalisation == "per_image" and constants != _CONSTANTS:
            raise ValueError("normalisation per_image takes no scale, mean or std: images have their own")

    def take(self, options: dict[str, Any]) -> "InputSpec":
        """Return a copy with the fields that `options` names, which are removed from `options`."""
        given = {name: options.pop(name) for name in asdict(self) if name in options}
        given |= {name: tuple(given[name]) for name in ("mean", "std") if name in given}
        if given.get("normalisation") == "per_image":
            given = _CONSTANTS | given  # the constants of `self` are of the other kind
        return replace(self, **given)

    def as_options(self) -> dict[str, Any]:
        """Return the fields in use as plain values for JSON and YAML; `fixed` goes without saying."""
        fields = asdict(self) | {"mean": list(self.mean), "std": list(self.std)}
        unused = set(_CONSTANTS) if self.normalisation == "per_image" else {"normalisation"}
        return {name: value for name, value in fields.items() if name not in unused}


_CONSTANTS: dict[str, Any] = {"scale": 1.0, "mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
"""Fields of `fixed` that `per_image` does not use, with their defaults."""


def standardise_images(image: Tensor) -> Tensor:
    """Subtract the mean of each image and divide by its standard deviation, over all pixels and channels.

    The deviation is at least 1 / sqrt(number of values), so that an image of one colour becomes zeros, as in
    TensorFlow's `per_image_standardization`.

    Args:
        image: (N, 3, S, S) floating, 0 to 255.

    Returns:
        (N, 3, S, S), of mean 0 and standard deviation 1 each.
    """
    variance, mean = torch.var_mean(image, dim=(1, 2, 3), keepdim=True, correction=0)
    return (image - mean) * variance.clamp_min(1 / image.shape[1:].numel()).rsqrt()


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
        self.per_image = spec.normalisation == "per_image"
        scale = 255.0 if self.per_image else spec.scale
        # (x * scale - mean) / std in one multiplication and one addition
        self.register_buffer("gain", _image_of(scale / std, spec.input_size), persistent=False)
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
        if self.per_image:
            x = standardise_images(x)
        # the network's type, where a trainer has converted it, and its memory layout
        return x.to(self.gain.dtype, memory_format=torch.channels_last)
