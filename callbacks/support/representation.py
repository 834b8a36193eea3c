"""Embeddings of a module and of its initial backbone, for callbacks."""

import copy
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from torch import Tensor, nn


def check_representation(callback: Callback, module: LightningModule) -> None:
    """Raise MisconfigurationException unless the module has `backbone`, `inputs` and `embed`."""
    if not all(hasattr(module, name) for name in ("backbone", "inputs", "embed")):
        raise MisconfigurationException(
            f"{type(callback).__name__} needs a module with a backbone, not {type(module).__name__}"
        )


def original_backbone(module: LightningModule) -> nn.Module:
    """Return a frozen copy of the backbone, in eval mode."""
    backbone: Any = module.backbone
    return copy.deepcopy(backbone).requires_grad_(False).eval()


def embedding_now(
    trainer: Trainer, module: LightningModule, batch: dict[str, Tensor], outputs: Any = None
) -> Tensor:
    """Compute the module's embeddings (N, D) of a batch, in an evaluation, which sets eval mode and no_grad.

    Args:
        trainer: gives the precision.
        module: see `check_representation`.
        batch: on the module's device.
        outputs: output of the evaluation step; its `embedding` is used if there is one.
    """
    if isinstance(outputs, dict) and "embedding" in outputs:
        return outputs["embedding"]
    known: Any = module
    with trainer.precision_plugin.forward_context():
        return known.embed(known.inputs(batch))


def embedding_before(
    trainer: Trainer, module: LightningModule, batch: dict[str, Tensor], original: nn.Module
) -> Tensor:
    """Compute the embeddings (N, E) float32 of a batch by an `original_backbone`, on the batch's device."""
    known: Any = module
    with trainer.precision_plugin.forward_context():
        return original.to(module.device)(known.inputs(batch)).float()


def is_rehearsal(trainer: Trainer) -> bool:
    """Return whether this is a `fast_dev_run`, which has too few samples to measure anything."""
    return bool(trainer.fast_dev_run)  # type: ignore[attr-defined]  # which Lightning sets at run time
