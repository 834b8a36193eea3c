"""facenet-pytorch's InceptionResnetV1, with the weights of FaceNets of any width."""

import warnings
from typing import Any, Literal, get_args

from facenet_pytorch import InceptionResnetV1
from torch import nn

from lightning_modules.backbones.backbone_base import Backbone, plain_backbone
from lightning_modules.backbones.preprocessing import InputSpec
from lightning_modules.backbones.stated_input import stated_options
from lightning_modules.backbones.weight_files import State, load_exactly, read_state
from storage.checkpoints import WeightsError

NAME = "inception_resnet_v1"
PUBLISHED = ("vggface2", "casia-webface")
LAST_STAGE = ("mixed_7a.", "repeat_3.", "block8.", "last_linear.", "last_bn.")
Features = Literal["embedding", "pooled"]
POOLED, WIDTH, MAX_WIDTH = 1792, 512, 16_384
"""Pooled features; outputs of the published weights; the most that is built."""
MIN_INPUT_SIZE = 75
"""Pixels; of smaller images the last stage has none left."""

_HEAD = ("last_linear.", "last_bn.")
_SPEC = InputSpec(160, scale=255.0, mean=(127.5,) * 3, std=(128.0,) * 3)


def build_inception_resnet_v1(weights: str | None, options: dict[str, Any]) -> Backbone:
    """Build the network.

    The preprocessing is that of the published weights, 160 px RGB `(x - 127.5) / 128`, unless the metadata of
    a `.safetensors` file state another. An option that contradicts the metadata is used, with a warning: it
    can be a trial, and the metadata can be wrong. A `width` that contradicts the tensors is an error, since
    they do not fit.

    Args:
        weights: `vggface2` or `casia-webface`, which the package downloads; or the path of a state dict,
            whose classifier is dropped. None leaves random values; "checkpoint" too, for a state dict that
            is loaded afterwards.
        options: `features`, `width` and fields of `InputSpec`. `features: embedding` (the default) is the
            output, `width` numbers of unit length (512, or as many as the file's `last_linear` has);
            `features: pooled` is what facenet-pytorch computes before its dropout and `last_linear`, 1,792
            numbers that are not normalised. The network then ends there: it has no `last_linear`, `last_bn`
            or dropout.

    Raises:
        WeightsError: the file is missing, damaged or another network's, or cannot be downloaded.
        ValueError: an unknown option, or a value that is not possible.
    """
    state: State | None = None
    stated: dict[str, Any] = {}
    if weights not in (None, "checkpoint", *PUBLISHED):
        assert weights is not None
        state = {k: v for k, v in read_state(weights).items() if not k.startswith("logits.")}
        stated = stated_options(weights)
        _warn_of_contradictions(stated, options, weights)
    options = stated | options
    features, width = _output(options, state, weights)
    spec = _SPEC.take(options)
    if options:
        raise ValueError(f"{NAME} has no option {', '.join(options)}")
    if spec.input_size < MIN_INPUT_SIZE:
        raise ValueError(f"{NAME} takes images of {MIN_INPUT_SIZE} pixels or more, not {spec.input_size}")
    network = _network(weights, features, width)
    if state is not None:
        if features == "pooled":
            state = {k: v for k, v in state.items() if not k.startswith(_HEAD)}
        load_exactly(network, state, str(weights))
    recipe: dict[str, Any] = {"features": features}
    recipe |= {"width": width} if features == "embedding" else {}
    return plain_backbone(
        NAME,
        network,
        width if features == "embedding" else POOLED,
        spec,
        LAST_STAGE,
        recipe | spec.as_options(),
    )


def _output(options: dict[str, Any], state: State | None, weights: str | None) -> tuple[Features, int]:
    """Take `features` and `width` from the options, the width from the state dict if there is one."""
    features, asked = options.pop("features", "embedding"), options.pop("width", None)
    if features not in get_args(Features):
        raise ValueError(f"features of {NAME} are embedding or pooled, not {features!r}")
    if asked is not None and features == "pooled":
        raise ValueError(f"width is for features embedding: pooled features of {NAME} are {POOLED:,} numbers")
    if asked is not None and not (type(asked) is int and 1 <= asked <= MAX_WIDTH):
        raise ValueError(f"width of {NAME} is a number of outputs, 1 to {MAX_WIDTH:,}, not {asked!r}")
    width = WIDTH
    if state is not None and features == "embedding":
        last = state.get("last_linear.weight")
        if last is None:
            raise WeightsError(
                f"{weights}: holds no last_linear, which makes the embedding; if it is the network up to the "
                "pooled features, set features to pooled"
            )
        width = last.shape[0] if last.ndim == 2 else WIDTH
    held = state is not None or weights in PUBLISHED
    if held and asked not in (None, width):
        raise WeightsError(
            f"{weights}: its embedding has {width} numbers, not the {asked} of the option width"
        )
    return features, width if held or asked is None else asked


def _network(weights: str | None, features: Features, width: int) -> InceptionResnetV1:
    """Build facenet-pytorch's network, with published weights if these are asked for."""
    try:
        network = InceptionResnetV1(pretrained=weights if weights in PUBLISHED else None)
    except OSError as error:
        raise WeightsError(f"{weights} of {NAME} cannot be fetched: {error}") from error
    if weights in PUBLISHED:
        del network.logits
    if features == "pooled":
        network.dropout = network.last_linear = network.last_bn = nn.Identity()
        network.classify, network.logits = True, nn.Identity()  # whose result is not normalised
    elif width != WIDTH:
        network.last_linear = nn.Linear(POOLED, width, bias=False)
        network.last_bn = nn.BatchNorm1d(width, eps=network.last_bn.eps, momentum=network.last_bn.momentum)
    return network


def _warn_of_contradictions(stated: dict[str, Any], options: dict[str, Any], weights: str) -> None:
    for name in stated.keys() & options.keys():
        if stated[name] != options[name]:
            warnings.warn(
                f"{weights}: its metadata say {name} {stated[name]}, and the option {name} {options[name]} "
                "is used instead",
                stacklevel=4,
            )
