"""Marks of parameters."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def slow(*values: Any) -> Any:
    """The values of one case of a test, which is slow."""
    return pytest.param(*values, marks=pytest.mark.slow)


def slow_but(quick: str | Collection[str], values: Iterable[str]) -> list[Any]:
    """The values as parameters of a test, of which all but the quick one or ones are slow."""
    fast = {quick} if isinstance(quick, str) else set(quick)
    return [value if value in fast else slow(value) for value in values]
