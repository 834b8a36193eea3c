"""Marks of parameters."""

from collections.abc import Iterable
from typing import Any

import pytest


def slow_but(quick: str, values: Iterable[str]) -> list[Any]:
    """The values as parameters of a test, of which all but one are slow."""
    return [value if value == quick else pytest.param(value, marks=pytest.mark.slow) for value in values]
