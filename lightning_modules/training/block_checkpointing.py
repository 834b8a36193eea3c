"""Activation checkpointing: save memory by computing a block's activations again for its gradient."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from lightning_modules.backbones.backbone_base import Backbone


def checkpoint_blocks(backbone: Backbone) -> None:
    """Let every block that trains keep only its input until the backward pass (Chen et al., 2016).

    Losses, gradients and the running values of BatchNorm do not change. (With timm's own switch,
    `set_grad_checkpointing`, BatchNorm counts each batch twice.) A block is a part of an `nn.Sequential` that
    consists of layers itself, such as a residual block of a stage.

    Raises:
        ValueError: nothing trains, or the network has no blocks.
    """
    if not _trains(backbone):
        raise ValueError(
            "grad_checkpointing: nothing of the backbone trains, so no memory is kept for its gradient"
        )
    blocks = list(_blocks(backbone.network))
    if not blocks:
        raise ValueError(f"grad_checkpointing: {backbone.recipe['name']} has no blocks in a sequence")
    for block in blocks:
        block.forward = partial(_computed_again, block, block.forward)


def _trains(module: nn.Module) -> bool:
    return any(parameter.requires_grad for parameter in module.parameters())


def _blocks(module: nn.Module) -> Iterator[nn.Module]:
    """Yield the outermost blocks that train."""
    for child in module.children():
        if isinstance(module, nn.Sequential) and _trains(child) and next(child.children(), None):
            yield child
        else:
            yield from _blocks(child)


def _computed_again(block: nn.Module, forward: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    if not torch.is_grad_enabled():
        return forward(x)
    return checkpoint(forward, x, use_reentrant=False, context_fn=partial(_contexts, block))


def _contexts(block: nn.Module) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """Return the contexts of the first forward pass and of its recomputation."""
    return nullcontext(), _counted_already(block)


@contextmanager
def _counted_already(block: nn.Module) -> Iterator[None]:
    """Keep the running values of the BatchNorm layers that train, but save the same tensors for autograd.

    (`freeze_batchnorm_stats` would save no running values, which checkpointing refuses.)
    """
    norms = [module for module in block.modules() if isinstance(module, _BatchNorm)]
    layers = [norm for norm in norms if norm.training and norm.track_running_stats]
    momenta = [layer.momentum for layer in layers]
    counters = [layer.num_batches_tracked.clone() for layer in layers]  # type: ignore[union-attr]
    for layer in layers:
        layer.momentum = 0.0
    try:
        yield
    finally:
        for layer, momentum, counter in zip(layers, momenta, counters, strict=True):
            layer.momentum = momentum
            layer.num_batches_tracked.copy_(counter)  # type: ignore[union-attr]
