"""Forward passes that leave no trace in a network."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


@contextmanager
def still_statistics(network: nn.Module) -> Iterator[None]:
    """Within it, BatchNorm layers that train normalise by the batch as ever, but keep their running values.

    Eval mode would not do: it normalises by other values, so an adversary would learn from other features
    than those that it is asked about. Layers in eval mode are left as they are.
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
