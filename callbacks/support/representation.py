"""What the callbacks that watch a representation ask of a module: its embeddings, now and before training."""

import copy
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from torch import Tensor, nn


def check_representation(callback: Callback, module: LightningModule) -> None:
    """Raises MisconfigurationException unless the module has `backbone`, `inputs` and `embed`."""
    if not all(hasattr(module, name) for name in ("backbone", "inputs", "embed")):
        raise MisconfigurationException(
            f"{type(callback).__name__} needs a module with a backbone, not {type(module).__name__}"
        )


def original_backbone(module: LightningModule) -> nn.Module:
    """A frozen copy of the backbone as it is, in eval mode."""
    backbone: Any = module.backbone
    return copy.deepcopy(backbone).requires_grad_(False).eval()


def embedding_now(
    trainer: Trainer, module: LightningModule, batch: dict[str, Tensor], outputs: Any = None
) -> Tensor:
    """The module's embeddings (N, D) of a batch; within an evaluation, which sets eval mode and no_grad.

    Args:
        trainer: says the precision.
        module: see `check_representation`.
        batch: on the module's device.
        outputs: what the evaluation step returned; its `embedding` is taken if it has one.
    """
    if isinstance(outputs, dict) and "embedding" in outputs:
        return outputs["embedding"]
    known: Any = module
    with trainer.precision_plugin.forward_context():
        return known.embed(known.inputs(batch))


def embedding_before(
    trainer: Trainer, module: LightningModule, batch: dict[str, Tensor], original: nn.Module
) -> Tensor:
    """The embeddings (N, E) float32 of a batch by an `original_backbone`, which it takes to the batch."""
    known: Any = module
    with trainer.precision_plugin.forward_context():
        return original.to(module.device)(known.inputs(batch)).float()


def is_rehearsal(trainer: Trainer) -> bool:
    """Whether this is a `fast_dev_run`, whose few samples say nothing."""
    return bool(trainer.fast_dev_run)  # type: ignore[attr-defined]  # which Lightning sets at run time
