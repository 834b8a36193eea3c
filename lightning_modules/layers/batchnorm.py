"""Forward passes that do not change the statistics of a network."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


@contextmanager
def freeze_batchnorm_stats(network: nn.Module) -> Iterator[None]:
    """Keep the running statistics of BatchNorm layers in train mode, which still normalise by the batch.

    Eval mode would not do: it normalises by the running statistics, so an adversary would learn from features
    other than those it is trained against. Layers in eval mode are not changed.
    """
    layers = [m for m in network.modules() if isinstance(m, _BatchNorm) and m.training]
    tracked = [layer.track_running_stats for layer in layers]
    for layer in layers:
        layer.track_running_stats = False
    try:
        yield
    finally:
        for layer, before in zip(layers, tracked, strict=True):
            layer.track_running_stats = before
