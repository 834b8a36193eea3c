"""Groups of samples by one attribute, or by several crossed."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import NamedTuple
from urllib.parse import quote

import torch
from torch import Tensor


class Grouping(NamedTuple):
    """All combinations of the classes of some attributes, the last attribute varying fastest.

    Without attributes there is one group, of all samples.
    """

    attributes: list[str]
    """Names of the attributes."""
    sizes: list[int]
    """Number of classes of each attribute."""
    keys: list[str]
    """Keys of the groups in metric names: `smiling=yes,gender=female`."""
    names: list[str]
    """Names of the groups for readers: `smiling: yes, gender: female`."""


def metric_word(name: str) -> str:
    """Escape a class name for a metric name, where `/`, `=` and `,` separate the parts.

    Letters of any alphabet, digits and `_-.~+` stay; all else is escaped as in a URL: a space is `%20`, `/`
    is `%2F`, `=` is `%3D`, `,` is `%2C`, `%` is `%25`. Different names stay different.
    """
    return "".join(c if c.isalnum() or c == "+" else quote(c, safe="") for c in name)


def positive_class(asked: int | None, classes: int) -> int | None:
    """Return the positive class: the one asked for, else the second of two; None takes each in turn."""
    return 1 if asked is None and classes == 2 else asked


def make_grouping(attributes: Sequence[str], classes: Mapping[str, Sequence[str]]) -> Grouping:
    """Make the grouping by `attributes`; `classes` holds the class names of each attribute in label order."""
    groups = [
        list(zip(attributes, combination, strict=True))
        for combination in product(*(enumerate(classes[name]) for name in attributes))
    ]
    return Grouping(
        attributes=list(attributes),
        sizes=[len(classes[name]) for name in attributes],
        keys=[",".join(f"{metric_word(name)}={metric_word(text)}" for name, (_, text) in g) for g in groups],
        names=[", ".join(f"{name}: {text}" for name, (_, text) in g) or "all samples" for g in groups],
    )


def cross(labels: Sequence[Tensor], sizes: Sequence[int]) -> Tensor:
    """Compute the group index of combinations of attributes, the last attribute varying fastest.

    Args:
        labels: attribute labels, each (N,) int64, -1 where unknown.
        sizes: number of classes of each attribute.

    Returns:
        (N,) int64 in [0, prod(sizes)); -1 where any of the attributes is unknown.
    """
    group, unknown = torch.zeros_like(labels[0]), torch.zeros_like(labels[0], dtype=torch.bool)
    for label, size in zip(labels, sizes, strict=True):
        group, unknown = group * size + label, unknown | (label < 0)
    return group.masked_fill(unknown, -1)
