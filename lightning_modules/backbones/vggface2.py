"""ResNet-50 with the geometry of the Caffe networks that VGGFace2's authors published."""

from typing import Any

import timm
from torch import nn

from lightning_modules.backbones.backbone_base import Backbone, plain_backbone
from lightning_modules.backbones.preprocessing import InputSpec
from lightning_modules.backbones.weight_files import load_exactly, read_state

NAME = "vggface2_resnet50"

# Blue, green, red: the mean of the training images (github.com/ox-vgg/vgg_face2).
INPUT = InputSpec(224, channel_order="bgr", scale=255.0, mean=(91.4953, 103.8827, 131.0912))


def caffe_resnet50() -> nn.Module:
    """Build timm's ResNet-50 without a classifier, with the geometry of the Caffe network.

    Caffe has the stride in the first 1x1 convolution of a stage; its 3x3/2 pooling rounds up, unpadded.
    """
    network: Any = timm.create_model("resnet50", num_classes=0)
    network.maxpool = nn.MaxPool2d(3, stride=2, padding=0, ceil_mode=True)
    for stage in (network.layer2, network.layer3, network.layer4):
        stage[0].conv1.stride, stage[0].conv2.stride = (2, 2), (1, 1)
    return network


def build_vggface2_resnet50(weights: str | None) -> Backbone:
    """Build the thesis' backbone: 2048 non-negative features of a 224 px image.

    Args:
        weights: `resnet50_ft_weight.pkl` or `resnet50_scratch_weight.pkl` of cydonia999/VGGFace2-pytorch, or
            the same names in a `.pth` or `.safetensors`; the 8,631-way `fc` is dropped. None leaves random
            values; "checkpoint" too, for a state dict that is loaded afterwards.

    Raises:
        WeightsError: the file is missing, damaged or another network's.
    """
    network = caffe_resnet50()
    if weights not in (None, "checkpoint"):
        state = read_state(weights)
        load_exactly(network, {k: v for k, v in state.items() if not k.startswith("fc.")}, weights)
    return plain_backbone(NAME, network, 2048, INPUT, "layer4.")
