"""Marks of parameters."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def slow_but(quick: str | Collection[str], values: Iterable[str]) -> list[Any]:
    """The values as parameters of a test, of which all but the quick one or ones are slow."""
    fast = {quick} if isinstance(quick, str) else set(quick)
    return [value if value in fast else pytest.param(value, marks=pytest.mark.slow) for value in values]
