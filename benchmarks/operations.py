"""Count the operations that PyTorch dispatches."""

from collections.abc import Callable
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode


class _Operations(TorchDispatchMode):
    def __init__(self, counts: Callable[[Any], bool]) -> None:
        super().__init__()
        self.counts, self.count = counts, 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += self.counts(function)
        return function(*args, **(kwargs or {}))


def count_operations(
    work: Callable[[Any], object], given: Any, counts: Callable[[Any], bool] = lambda function: True
) -> int:
    """Count the dispatched operations of a call, all or those that `counts` accepts."""
    with _Operations(counts) as counted:
        work(given)
    return counted.count
