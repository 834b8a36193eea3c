"""ONNX face recognisers as modules that can be fine-tuned."""

from pathlib import Path
from typing import Any

import onnx
import onnx2torch
import torch
from torch import Tensor, nn

from lightning_modules.backbones.backbone_base import Backbone
from lightning_modules.backbones.preprocessing import InputSpec
from lightning_modules.backbones.weight_files import existing_file
from storage.checkpoints import WeightsError

NAME = "onnx"
_OPSET = 13
"""onnx2torch lacks operations of older opsets; a graph converted to this one differs only by rounding."""


def build_onnx(weights: str | None, options: dict[str, Any]) -> Backbone:
    """Convert the graph of a file by onnx2torch.

    Weights of convolutions and linear layers become parameters. Bare constants of the file (slopes of PReLU)
    stay constant. A checkpoint does not hold the graph: loading one needs the `.onnx` file again.

    Args:
        weights: path of an `.onnx` file with one image input (n, 3, S, S) and one output (n, D).
        options: fields of `InputSpec`. By default the size is the graph's, if it states one, and the rest is
            that of the ArcFace family, RGB `(x - 127.5) / 128`.

    Raises:
        WeightsError: no file, no ONNX, operations of an opset that is too old, images with the channels last,
            or an output that is not flat.
        ValueError: an unknown option, or a graph that leaves the input size open and no `input_size`.
    """
    if weights in (None, "checkpoint"):
        raise WeightsError("the onnx backbone needs weights: the path of an .onnx file")
    path = existing_file(weights)
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
        _check_layout(model, path)
        network: nn.Module = onnx2torch.convert(model)
    except WeightsError:
        raise
    except Exception as error:  # damaged bytes and unknown operations raise nearly anything
        reason = str(error).partition("\n")[0]
        hint = _upgrade_hint(model, path) if isinstance(error, NotImplementedError) else ""
        raise WeightsError(f"{path}: not an ONNX graph that can be converted ({reason}){hint}") from error
    network.eval()
    size = options.get("input_size", _input_size(model))
    if size is None:
        raise ValueError(f"{path}: the graph leaves the image size open: set input_size in backbone_options")
    options["input_size"] = size
    spec = InputSpec(size, scale=255.0, mean=(127.5,) * 3, std=(128.0,) * 3).take(options)
    if options:
        raise ValueError(f"the onnx backbone has no option {', '.join(options)}")
    num_features, last_stage = _probe(network, spec.input_size, str(path))
    return Backbone(
        network,
        num_features=num_features,
        input_spec=spec,
        last_stage=last_stage,
        recipe={"name": NAME, "weights": str(path.resolve()), "options": spec.as_options()},
    )


def _upgrade_hint(model: onnx.ModelProto, path: Path) -> str:
    """Advise how to convert an old opset; empty if it is a recent one."""
    opset = max((one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), default=_OPSET)
    if opset >= _OPSET:
        return ""
    new = path.with_name(f"{path.stem}_opset{_OPSET}.onnx").name
    return (
        f'; its opset is {opset}: convert it to {_OPSET} or later, python -c "import onnx; from onnx import '
        f"version_converter as v; onnx.save(v.convert_version(onnx.load('{path.name}'), {_OPSET}), '{new}')\""
    )


def _input(model: onnx.ModelProto) -> tuple[str, list[int]]:
    """Return name and shape of the image input, with 0 where the graph leaves a size open."""
    constants = {tensor.name for tensor in model.graph.initializer}
    image = next(value for value in model.graph.input if value.name not in constants)
    return image.name, [d.dim_value for d in image.type.tensor_type.shape.dim]


def _check_layout(model: onnx.ModelProto, path: Path) -> None:
    name, shape = _input(model)
    if len(shape) == 4 and shape[3] == 3 != shape[1]:
        raise WeightsError(
            f"{path}: its input {name} takes images with the channels last, (n, H, W, 3); export it with the "
            f"channels first, (n, 3, H, W), as tf2onnx does with --inputs-as-nchw {name}"
        )


def _input_size(model: onnx.ModelProto) -> int | None:
    height, width = ([*_input(model)[1], 0, 0, 0, 0])[2:4]
    return height if height == width and height > 0 else None


def _probe(network: nn.Module, size: int, path: str) -> tuple[int, list[str]]:
    """Run two images through the graph: the embedding's length, and the last stage's parameter names.

    The last stage begins with the first convolution that reaches the resolution of the last strided one: a
    residual block strides twice, in its branch and in its shortcut.
    """
    reached: list[tuple[nn.Module, tuple[int, ...]]] = []

    def note(module: nn.Conv2d, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if output.shape[-1] < inputs[0].shape[-1] and max(module.stride) > 1:
            reached.append((module, tuple(output.shape[2:])))

    hooks = [m.register_forward_hook(note) for m in network.modules() if isinstance(m, nn.Conv2d)]
    try:
        with torch.no_grad():
            output = network(torch.zeros(2, 3, size, size))
    except (RuntimeError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise WeightsError(
            f"{path}: the graph does not take images (2, 3, {size}, {size}): {reason}"
        ) from error
    finally:
        for hook in hooks:
            hook.remove()
    if not isinstance(output, Tensor) or output.ndim != 2 or len(output) != 2:
        got = tuple(output.shape) if isinstance(output, Tensor) else f"{len(output)} outputs"
        raise WeightsError(f"{path}: the graph must end in one embedding (n, D); two images gave {got}")
    if not reached:
        return output.shape[1], []
    first = next(module for module, shape in reached if shape == reached[-1][1])
    order = list(network.modules())  # as in the graph, which ONNX keeps sorted
    late = {id(p) for module in order[order.index(first) :] for p in module.parameters(recurse=False)}
    return output.shape[1], [name for name, p in network.named_parameters() if id(p) in late]
