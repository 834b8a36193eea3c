"""What a test may change of the process, put back as it was."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
import torch

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2)


def _torch_settings() -> dict[str, Any]:
    return {
        "threads": torch.get_num_threads(),
        "dtype": torch.get_default_dtype(),
        "matmul": torch.get_float32_matmul_precision(),
        "deterministic": (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
        ),
        "cudnn": (torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic),
    }


def _restore_torch(before: dict[str, Any]) -> None:
    torch.set_num_threads(before["threads"])
    torch.set_default_dtype(before["dtype"])
    torch.set_float32_matmul_precision(before["matmul"])
    torch.use_deterministic_algorithms(before["deterministic"][0], warn_only=before["deterministic"][1])
    torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = before["cudnn"]


@contextmanager
def process_restored() -> Iterator[None]:
    """Restore the environment, working directory, signal handlers, and settings of torch and matplotlib.

    Lightning leaves LOCAL_RANK and more in the environment, so that a later run would not start its second
    process, and deterministic algorithms switched on; recipes that run long leave their signal handlers.
    """
    environment, folder = dict(os.environ), os.getcwd()
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    settings = _torch_settings()
    with matplotlib.rc_context():
        yield
    for name in {*os.environ} - {*environment}:
        del os.environ[name]
    os.environ.update(environment)
    os.chdir(folder)
    for number, handler in handlers.items():
        if handler is not None and signal.getsignal(number) is not handler:
            signal.signal(number, handler)
    _restore_torch(settings)
