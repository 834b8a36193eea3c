"""State of the process that a test may change, put back as it was."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
import torch

_TORCH: dict[Callable[[Any], None], Callable[[], Any]] = {  # what sets a value, and what reads it
    torch.set_num_threads: torch.get_num_threads,
    torch.set_default_dtype: torch.get_default_dtype,
    torch.set_float32_matmul_precision: torch.get_float32_matmul_precision,
    torch.set_deterministic_debug_mode: torch.get_deterministic_debug_mode,
}
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2)


@contextmanager
def process_restored() -> Iterator[None]:
    """Restore the environment, working directory, signal handlers, and settings of torch and matplotlib.

    Lightning leaves LOCAL_RANK and more in the environment, so that a later run would not start its second
    process, and deterministic algorithms switched on; recipes that run long leave their signal handlers.
    """
    environment, folder = dict(os.environ), os.getcwd()
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    settings = {restore: read() for restore, read in _TORCH.items()}
    cudnn = torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic
    with matplotlib.rc_context():
        yield
    for name in {*os.environ} - {*environment}:
        del os.environ[name]
    os.environ.update(environment)
    os.chdir(folder)
    for number, handler in handlers.items():
        if handler is not None and signal.getsignal(number) is not handler:
            signal.signal(number, handler)
    for restore, value in settings.items():
        restore(value)
    torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = cudnn
