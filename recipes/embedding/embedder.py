"""Load the network that embeds: from any method's checkpoint, or a bare backbone."""

import hashlib
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from lightning_modules.backbones.factory import CHECKPOINT
from lightning_modules.backbones.onnx_backbone import NAME as ONNX
from lightning_modules.backbones.timm_backbone import HUB
from lightning_modules.backbones.weight_files import load_exactly
from lightning_modules.training.base import RANDOM_BACKBONE, FaceModule
from lightning_modules.training.older_versions import current_method
from recipes.command_line.jobs import usage_errors
from recipes.command_line.usage_error import UsageError
from storage.checkpoints import WeightsError, read_checkpoint
from storage.checksums import file_sha256, json_sha256

METHODS = "lightning_modules"
"""The package whose classes a checkpoint may name; importing any other could run its code."""


def load_embedder(
    ckpt: str | Path | None = None,
    *,
    backbone: str | None = None,
    weights: str | None = None,
    options: dict[str, Any] | None = None,
    hub: bool = False,
) -> FaceModule:
    """Load a module in eval mode; `embed(image)` returns (N, D) float32, and `inputs(batch)` the images.

    No code from a file is run: checkpoints hold tensors and plain values, and name their method. Nothing that
    a checkpoint names is downloaded. `weights: random` draws the same values each time.

    Args:
        ckpt: checkpoint of any method; its weights and options are used.
        backbone: without a checkpoint: name of the backbone, see `backbones.build_backbone`.
        weights: initial weights of the backbone; with a checkpoint, another path of its `.onnx` file.
        options: further options of the backbone.
        hub: allow a checkpoint to name a backbone of the Hugging Face hub, which is then downloaded.

    Raises:
        UsageError: neither or both of `ckpt` and `backbone`, or a method or option that does not exist.
        WeightsError: files that are missing, damaged or of another model.
    """
    if (ckpt is None) == (backbone is None):
        raise UsageError("give either a checkpoint (--ckpt) or a bare backbone (--model.backbone)")
    if ckpt is None:
        assert backbone is not None
        if weights == CHECKPOINT:
            raise UsageError(
                "--model.weights checkpoint: there is no checkpoint to read them from, see --ckpt"
            )
        with usage_errors(), torch.random.fork_rng(devices=[]):  # alike in every process and after a restart
            torch.default_generator.manual_seed(0)
            bare = FaceModule(
                attributes={"identity": []},
                task="identity",
                backbone=backbone,
                weights=weights,
                backbone_options=options,
            )
        return bare.eval()
    if options:
        raise UsageError("a checkpoint has its own backbone: leave out --model.options")
    return _load_method(Path(ckpt).expanduser(), weights, hub).eval()


def embedding_of(embedder: FaceModule, image: Tensor, mirror: bool) -> Tensor:
    """Embed images (N, 3, H, W) as (N, D); `mirror` adds the embedding of their mirror images."""
    embedding = embedder.embed(image).float()
    return embedding + embedder.embed(image.flip(-1)).float() if mirror else embedding


def _load_method(path: Path, weights: str | None, hub: bool) -> FaceModule:
    checkpoint = read_checkpoint(path)
    found = checkpoint.get("hyper_parameters")
    hparams: dict[str, Any] = dict(found) if isinstance(found, dict) else {}
    named = hparams.get("_class_path") or _of_run(path)
    # not `load_from_checkpoint`, which calls a function that the checkpoint names as its "_instantiator"
    hparams = {name: value for name, value in hparams.items() if not name.startswith("_")}
    class_path, hparams = current_method(str(named), hparams)
    method = _method(path, None if named is None else class_path)
    if weights is not None:
        if hparams.get("backbone") != ONNX:
            raise UsageError(f"{path} holds its backbone's weights: leave out --model.weights")
        hparams["weights"] = weights
    elif hparams.get("backbone") != ONNX:
        hparams["weights"] = CHECKPOINT  # its tensors replace all values, so no others are fetched
    if not hub and (name := str(hparams.get("backbone"))).startswith(HUB):
        raise UsageError(
            f"{path} names the backbone {name}, which would be fetched from the Hugging Face hub: "
            "allow it by --model.hub true, if you trust who made the checkpoint"
        )
    try:
        module = method(**hparams)
        load_exactly(module, checkpoint["state_dict"], path)
        module.backbone.random = bool(checkpoint.get(RANDOM_BACKBONE))
    except WeightsError:
        raise
    except (AttributeError, TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise WeightsError(f"{path} does not fit {method.__name__} of this version: {reason}") from error
    return module


def _of_run(path: Path) -> Any:
    """Read the method from the configuration of the checkpoint's run folder; None if there is none."""
    config = path.resolve().parent.parent / "config.yaml"
    try:
        return yaml.safe_load(config.read_text())["model"]["class_path"]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError):
        return None


def _method(path: Path, name: Any) -> type[FaceModule]:
    if name is None:
        raise UsageError(
            f"{path} does not say which method it is of: it was not trained by recipes/train.py, and there "
            "is no config.yaml in the folder above it"
        )
    package, _, kind = str(name).rpartition(".")
    if package.split(".")[0] == METHODS:
        try:
            method = getattr(import_module(package), kind, None)
        except ImportError:
            method = None
        if isinstance(method, type) and issubclass(method, FaceModule):
            return method
    raise UsageError(f"{path} is of {name}, which is no method of {METHODS}/")


def embedder_facts(module: FaceModule, ckpt: str | Path | None) -> dict[str, str]:
    """Identify an embedder, without the paths of any files.

    `model`: class of the method, or name of the bare backbone; `config`: sha256 of the options that it is
    built with; `weights`: of all its tensors; `checkpoint`: of the file; `graph`: of the `.onnx` file;
    `random`: what has random weights that were never trained, if anything does; `features` and
    `normalisation`: of the backbone, where it has a choice of features, and where it is `per_image`.

    Args:
        module: from `load_embedder`.
        ckpt: the checkpoint that it was loaded from.
    """
    recipe = module.backbone.recipe
    # the recipe names the backbone too, and `weights` and `graph` hash the content of the files
    options = {k: v for k, v in module.hparams.items() if k not in ("backbone", "weights", "start_from")}
    options |= {"backbone": recipe["name"], "backbone_options": recipe.get("options")}
    bare = str(module.hparams["backbone"])
    bare = Path(bare).name if bare.endswith(".safetensors") else bare
    facts = {
        "model": type(module).__name__ if ckpt else bare,
        "config": json_sha256(options),
        "weights": _sha256(
            part
            for name, tensor in sorted(module.state_dict().items())
            for part in (
                f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode(),
                tensor.cpu().contiguous().flatten().view(torch.uint8).numpy().data,
            )
        ),
    }
    if ckpt is not None:
        facts["checkpoint"] = file_sha256(Path(ckpt).expanduser())
    if module.backbone.random:
        facts["random"] = "what is frozen of the backbone has random weights, which nobody trained"
    chosen = recipe.get("options") or {}
    facts |= {name: str(chosen[name]) for name in ("features", "normalisation") if name in chosen}
    if recipe["name"] == ONNX:
        facts["graph"] = file_sha256(Path(recipe["weights"]))
    return facts


def _sha256(parts: Iterable[bytes | memoryview]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
