"""The formats of an export: write each, and read it back for comparison with the original."""

import json
import warnings
from collections.abc import Callable
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, NamedTuple

import onnx
import torch
from onnx.reference import ReferenceEvaluator
from torch import Tensor
from torch.onnx import symbolic_helper

from lightning_modules.backbones.factory import save_backbone
from recipes.command_line.usage_error import UsageError
from recipes.embedding.embedder import load_embedder
from recipes.exporting.export_network import BATCH, INPUT, OUTPUT, EmbeddingNetwork

FormatName = Literal["safetensors", "onnx", "torch_export"]
About = dict[str, Any]
Embed = Callable[[Tensor], Tensor]
"""Images (N, 3, S, S) RGB float32 in [0, 1] to embeddings (N, D)."""

_OPSET = 18
_ABOUT = "blindface"  # entry of the metadata


class Format(NamedTuple):
    """One file format."""

    file: str
    write: Callable[[EmbeddingNetwork, About, Path], None]
    read: Callable[[Path], Embed]
    """Reads the file independently, so that its embedding can be compared with the original."""


def _write_safetensors(network: EmbeddingNetwork, about: About, path: Path) -> None:
    facts = json.dumps({key: about[key] for key in ("facts", "normalisation")})  # the file holds weights only
    save_backbone(network.backbone, path, made_by=f"recipes/export.py: {facts}", figures={}, half=False)


def _read_safetensors(path: Path) -> Embed:
    return load_embedder(backbone=str(path)).embed


def _write_onnx(network: EmbeddingNetwork, about: About, path: Path) -> None:
    # no public way: onnx2torch's modules, when traced, look for the opset here, from where torch has moved it
    symbolic_helper._export_onnx_opset_version = _OPSET  # type: ignore[attr-defined]
    # not dynamo=True: it needs another package, and onnx2torch cannot read its output
    torch.onnx.export(
        network,
        (network.example,),
        str(path),
        dynamo=False,
        opset_version=_OPSET,
        input_names=[INPUT],
        output_names=[OUTPUT],
        dynamic_axes={INPUT: {0: BATCH}, OUTPUT: {0: BATCH}},
    )
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {_ABOUT: json.dumps(about)})
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _read_onnx(path: Path) -> Embed:
    try:
        runtime: Any = import_module("onnxruntime")
        session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except ImportError:  # not a requirement; the reference evaluator is slower
        session = ReferenceEvaluator(str(path))
    return lambda image: torch.from_numpy(session.run(None, {INPUT: image.numpy()})[0])


def _write_torch_export(network: EmbeddingNetwork, about: About, path: Path) -> None:
    shapes = ({0: torch.export.Dim(BATCH)},)
    program = torch.export.export(network, (network.example,), dynamic_shapes=shapes)
    content = BytesIO()  # torch's own writer aborts the process on a full disk
    torch.export.save(program, content, extra_files={_ABOUT: json.dumps(about)})
    path.write_bytes(content.getvalue())


def _read_torch_export(path: Path) -> Embed:
    return torch.export.load(path).module()


FORMATS: dict[FormatName, Format] = {
    "safetensors": Format("embedding.safetensors", _write_safetensors, _read_safetensors),
    "onnx": Format("embedding.onnx", _write_onnx, _read_onnx),
    "torch_export": Format("embedding.pt2", _write_torch_export, _read_torch_export),
}


def write_format(name: FormatName, network: EmbeddingNetwork, about: About, folder: Path) -> Path:
    """Write one file, without checking it.

    Raises:
        UsageError: the network cannot be written in this format.
    """
    path = folder / FORMATS[name].file
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # all sizes but the batch are meant to be constants
            FORMATS[name].write(network, about, path)
    except OSError:
        raise
    except Exception as error:  # unsupported operations raise errors of many kinds
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        raise UsageError(
            f"this network cannot be written as {name}: {reason}; leave it out of --formats"
        ) from error
    return path
