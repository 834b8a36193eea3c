"""Waiting for what another process does."""

import time
from collections.abc import Callable

SECONDS = 600
"""The time that a test waits before it gives up."""


def wait_until(condition: Callable[[], object]) -> None:
    """Return when the condition holds; raise AssertionError after `SECONDS`."""
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
