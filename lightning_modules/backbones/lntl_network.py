"""The network for coloured MNIST of Learning Not to Learn (official `models.py`, `convnet`)."""

from collections import OrderedDict

from torch import nn

from lightning_modules.backbones.backbone_base import Backbone, plain_backbone
from lightning_modules.backbones.preprocessing import InputSpec

NAME = "lntl_convnet"
FEATURE_LAYER = "relu2"
"""Input of the official bias heads: 32 maps of 14 x 14."""


class LNTLConvnet(nn.Sequential):
    """Four convolutions and a global mean, without the classifier; He initialisation as in `trainer.py`."""

    def __init__(self) -> None:
        super().__init__(
            OrderedDict(
                bn0=nn.BatchNorm2d(3),
                conv1=nn.Conv2d(3, 32, 5, padding=2),
                relu1=nn.ReLU(inplace=True),
                maxpool=nn.MaxPool2d(3, stride=2, padding=1),
                conv2=nn.Conv2d(32, 32, 3, padding=1),
                relu2=nn.ReLU(inplace=True),
                conv3=nn.Conv2d(32, 64, 3, stride=2, padding=1),
                relu3=nn.ReLU(inplace=True),
                conv4=nn.Conv2d(64, 64, 3, padding=1),
                relu4=nn.ReLU(inplace=True),
                avgpool=nn.AvgPool2d(7, stride=1),
                flatten=nn.Flatten(),
            )
        )
        for module in self:
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def build_lntl_convnet(weights: str | None = None) -> Backbone:
    """Build the network, 64 features of a 28 px image, with random weights.

    Args:
        weights: None for random values; "checkpoint" too, for a state dict that is loaded afterwards.

    Raises:
        ValueError: other weights.
    """
    if weights not in (None, "checkpoint"):
        raise ValueError(f"{NAME} has no published weights: leave weights null, not {weights!r}")
    spec = InputSpec(28, mean=(0.4914, 0.4822, 0.4465), std=(0.2023, 0.1994, 0.2010))
    return plain_backbone(NAME, LNTLConvnet(), 64, spec, ("conv3.", "conv4."))
