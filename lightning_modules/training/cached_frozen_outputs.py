"""Evaluates the frozen part of a backbone once for several passes over the same images."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from lightning_modules.backbones.backbone_base import Backbone


@contextmanager
def frozen_once(backbone: Backbone) -> Iterator[None]:
    """Within it, a frozen module that is given a tensor which it was given before answers as before.

    Frozen modules are in eval mode, so the answer would be the same. It is found by the tensor's identity:
    what depends on a weight that trains is another tensor in the next pass, and computed again. The price is
    the memory of what the frozen modules put out.
    """
    modules = [backbone.preprocess, *_frozen_parts(backbone.network)]
    versions: dict[int, int] = {}
    for module in modules:
        module.forward = _Remember(module.forward, versions)
    try:
        yield
    finally:
        for module in modules:
            del module.forward


def _frozen_parts(module: nn.Module) -> Iterator[nn.Module]:
    """The largest parts that are in eval mode and have nothing to train."""
    if not module.training and not any(p.requires_grad for p in module.parameters()):
        yield module
    else:
        for child in module.children():
            yield from _frozen_parts(child)


class _Remember:
    """A module's forward, and what it answered to which tensor.

    Args:
        forward: of the module.
        versions: shared by all modules: how often each answer had been written to when a frozen module last
            did so. Another's writing makes an answer stale; a frozen activation in place does not.
    """

    def __init__(self, forward: Callable[..., Any], versions: dict[int, int]) -> None:
        self.forward, self.versions = forward, versions
        self.answers: dict[int, tuple[Tensor, Tensor]] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if len(args) != 1 or kwargs or not isinstance(args[0], Tensor):
            return self.forward(*args, **kwargs)
        given = args[0]
        if id(given) in self.answers:
            _, answer = self.answers[id(given)]
            if self.versions[id(answer)] == answer._version:
                return answer
        answer = self.forward(given)
        if isinstance(answer, Tensor):
            self.answers[id(given)] = (given, answer)  # holding `given` keeps its id from being used again
            for tensor in (given, answer):
                self.versions[id(tensor)] = tensor._version
        return answer
