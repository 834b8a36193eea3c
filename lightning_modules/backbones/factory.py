"""The factory of backbones: build one by name, and save it."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from lightning_modules.backbones.backbone_base import Backbone, Trainable
from lightning_modules.backbones.inception import NAME as INCEPTION
from lightning_modules.backbones.inception import build_inception_resnet_v1
from lightning_modules.backbones.lntl_network import NAME as LNTL_CONVNET
from lightning_modules.backbones.lntl_network import build_lntl_convnet
from lightning_modules.backbones.onnx_backbone import NAME as ONNX
from lightning_modules.backbones.onnx_backbone import build_onnx
from lightning_modules.backbones.precomputed import NAME as PRECOMPUTED
from lightning_modules.backbones.precomputed import build_precomputed
from lightning_modules.backbones.preprocessing import InputSpec
from lightning_modules.backbones.suppressed import suppressed
from lightning_modules.backbones.timm_backbone import HUB, build_timm
from lightning_modules.backbones.vggface2 import NAME as VGGFACE2
from lightning_modules.backbones.vggface2 import build_vggface2_resnet50
from lightning_modules.backbones.weight_files import existing_file, load_exactly, read_state
from lightning_modules.layers.suppressor import Suppressor
from storage.atomic import write_bytes
from storage.checkpoints import WeightsError
from storage.checksums import tensor_sha256

__all__ = ["Backbone", "InputSpec", "Trainable", "WeightsError", "build_backbone", "save_backbone"]

SYNTHETIC = "synthetic_recogniser"
_NAMES = (VGGFACE2, INCEPTION, LNTL_CONVNET, ONNX, PRECOMPUTED, SYNTHETIC)
SYNTHETIC_FILE = Path(__file__).parent / "weights" / "synthetic_recogniser.safetensors"
RANDOM, CHECKPOINT = "random", "checkpoint"
"""Values of `weights` of every kind of backbone that can be built without a file."""
SUMS = "sha256"
"""Metadata key of a weights file: the tensor_sha256 of each tensor."""
_PUBLISHED = {
    VGGFACE2: "the path of resnet50_ft_weight.pkl (linked from github.com/cydonia999/VGGFace2-pytorch and "
    "github.com/ox-vgg/vgg_face2)",
    INCEPTION: "vggface2 or casia-webface (downloaded by facenet-pytorch) or to the path of a state dict",
}


_BUILDERS: dict[str, Callable[[str | None], Backbone]] = {
    VGGFACE2: build_vggface2_resnet50, LNTL_CONVNET: build_lntl_convnet,
}  # fmt: skip
_BUILDERS_WITH_OPTIONS: dict[str, Callable[[str | None, dict[str, Any]], Backbone]] = {
    INCEPTION: build_inception_resnet_v1, ONNX: build_onnx, PRECOMPUTED: build_precomputed,
}  # fmt: skip


def build_backbone(
    name: str,
    *,
    weights: str | None = None,
    trainable: Trainable = "none",
    options: dict[str, Any] | None = None,
) -> Backbone:
    """Build a face network by name.

    Args:
        name: `vggface2_resnet50`; `inception_resnet_v1`; `onnx`; `precomputed` (the data give embeddings);
            `lntl_convnet` (the small network of coloured MNIST);
            `synthetic_recogniser` (small, trained on the synthetic faces, shipped with this package); the
            path of a `.safetensors` file that `save_backbone` wrote; or any timm name,
            `hf_hub:<owner>/<model>` included.
        weights: initial weights, see the builder of each. None means random values, and is refused if a part
            of them would stay frozen; "random" allows that. "checkpoint" is for modules read from a
            checkpoint, whose state dict replaces the values.
        trainable: the part that trains; with "all", any network may start from random values.
        options: fields of `InputSpec` (`onnx`, timm) and keywords of the network (timm). All kinds have
            `suppressor`: `{width: , layers: }` of a suppressor behind it, in exports of SensitiveNets.

    Raises:
        ValueError: an unknown name or option, or weights that cannot be used (`WeightsError`), such as none
            for a network of which a part is frozen.
    """
    own = name in (ONNX, PRECOMPUTED, SYNTHETIC) or name.endswith(".safetensors") or name.startswith(HUB)
    if own and weights == RANDOM:
        raise ValueError(f"{name} brings its own values: weights cannot be random")
    given = None if weights == RANDOM else weights
    options = dict(options or {})
    suppressor = options.pop("suppressor", None)
    if options and (name in (*_BUILDERS, SYNTHETIC) or name.endswith(".safetensors")):
        raise ValueError(f"{name} has no options, but got {', '.join(options)}")
    if name in _BUILDERS:
        backbone = _BUILDERS[name](given)
    elif name in _BUILDERS_WITH_OPTIONS:
        backbone = _BUILDERS_WITH_OPTIONS[name](given, options)
    elif name == SYNTHETIC or name.endswith(".safetensors"):
        if weights not in (None, CHECKPOINT):
            raise ValueError(f"{name} holds its own weights: leave weights null, not {weights!r}")
        backbone = _load_backbone(SYNTHETIC_FILE if name == SYNTHETIC else Path(name))
    else:
        backbone = build_timm(name, given, options, other_names=_NAMES)
    if weights is None and not own:
        _check_random(name, trainable)
    backbone.random = backbone.random or (weights == RANDOM and trainable != "all")
    if suppressor is not None:
        try:
            backbone = suppressed(backbone, Suppressor(backbone.num_features, **suppressor))
        except TypeError as error:
            raise ValueError(f"suppressor has width and layers, numbers, not {suppressor}") from error
    backbone.set_trainable(trainable)
    return backbone


def save_backbone(
    backbone: Backbone, path: str | Path, *, made_by: str, figures: dict[str, float], half: bool = True
) -> None:
    """Write a backbone and its recipe to one file, whose path is a `name` of `build_backbone`.

    Args:
        backbone: of any kind but `onnx`, whose graph no recipe builds.
        path: a `.safetensors` file to write.
        made_by: the command that trained it.
        figures: its results, by name.
        half: store 16-bit floats, which are read as 32-bit.

    Raises:
        ValueError: an `onnx` backbone, another suffix, or values beyond the 16-bit range.
    """
    if backbone.recipe["weights"] != "checkpoint":
        raise ValueError(f"a backbone of kind {backbone.recipe['name']} cannot be written as .safetensors")
    if Path(path).suffix != ".safetensors":
        raise ValueError(f"{path}: backbones are written as .safetensors")
    state = {
        name: tensor.detach().cpu().contiguous() for name, tensor in backbone.network.state_dict().items()
    }
    if half:
        state = {name: t.half() if t.is_floating_point() else t for name, t in state.items()}
        large = [name for name, tensor in state.items() if not torch.isfinite(tensor).all()]
        if large:
            raise ValueError(f"{large[0]} exceeds the 16-bit range: use half=False")
    about: dict[str, Any] = {"backbone": backbone.recipe, "made_by": made_by, "figures": figures}
    about[SUMS] = {name: tensor_sha256(tensor) for name, tensor in state.items()}
    if backbone.random:
        about[RANDOM] = True
    write_bytes(Path(path), save(state, {key: json.dumps(value) for key, value in about.items()}))


def _load_backbone(path: Path) -> Backbone:
    try:
        with safe_open(existing_file(path), "pt") as file:
            about = file.metadata() or {}
    except SafetensorError as error:
        raise WeightsError(f"{path}: not a readable safetensors file ({error})") from error
    if "backbone" not in about:
        raise WeightsError(f"{path}: does not say which network it holds; save_backbone writes files that do")
    try:
        recipe = dict(json.loads(about["backbone"]))
        sums = dict(json.loads(about.get(SUMS, "{}")))  # files of earlier versions have none
        random = bool(json.loads(about.get(RANDOM, "false")))
    except (TypeError, ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: its header is damaged ({error}); write it again") from error
    if str(recipe.get("name")).startswith(HUB):
        raise WeightsError(
            f"{path}: names the network {recipe['name']}, and a file may not ask for a download"
        )
    try:
        backbone = build_backbone(**recipe | {"weights": CHECKPOINT})
    except TypeError as error:
        raise WeightsError(f"{path}: its header does not fit this version ({error})") from error
    state = read_state(path)
    for name, tensor in state.items():
        if name in sums and tensor_sha256(tensor) != sums[name]:
            raise WeightsError(f"{path}: {name} is damaged: its checksum is not the one that was written")
    load_exactly(backbone.network, state, path)
    backbone.random = random
    return backbone


def _check_random(name: str, trainable: Trainable) -> None:
    """Refuse random values that would stay frozen; warn of those that published ones could replace."""
    if trainable != "all":
        published = f"set weights to {_PUBLISHED.get(name, 'pretrained')}" if name != LNTL_CONVNET else ""
        raise WeightsError(
            f"{name} has no weights, and what is frozen of it (trainable: {trainable}) would keep random "
            f"values: {published + '; or ' if published else ''}train all of it (trainable: all); or say "
            "weights: random, if they are wanted"
        )
    if name in _PUBLISHED:
        warnings.warn(f"{name} starts from random values: set weights to {_PUBLISHED[name]}", stacklevel=3)
