"""The joint distribution of the synthetic labels: five attributes, any pair of which can be correlated."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from datamodules.contract import Split

# The thesis' Table 2.1 prints the action units of the last two swapped; `face_factors` has them right.
EMOTIONS = ("neutral", "happy", "sad", "angry", "surprised", "disgusted")
HAPPY = EMOTIONS.index("happy")

CLASSES: dict[str, tuple[str, ...]] = {
    "gender": ("female", "male"),
    "ethnicity": ("group_a", "group_b", "group_c"),
    "attractive": ("no", "yes"),
    "emotion": EMOTIONS,
    "smiling": ("no", "yes"),
}
"""Attributes in the order of the joint table's axes: first those of an identity, then those of an image."""

_AXES = tuple(CLASSES)


@dataclass
class Correlation:
    """One attribute drawn to follow another: P(second == first mod K) = share, K the classes of second.

    The other classes of `second` share the rest evenly, so a pair of binary attributes is independent at a
    share of 0.5 and identical at 1.

    Args:
        first: the attribute that is followed.
        second: the attribute that follows.
        train: share in the training split.
        val: share in the validation split.
        test: share in the test split.
    """

    first: str
    second: str
    train: float
    val: float
    test: float

    def __post_init__(self) -> None:
        for name in (self.first, self.second):
            if name not in CLASSES:
                raise ValueError(f"a correlation names {name!r}; the attributes are {', '.join(CLASSES)}")
        if self.first == self.second:
            raise ValueError(f"a correlation needs two attributes, but names {self.first!r} twice")
        for split in ("train", "val", "test"):
            if not 0 <= getattr(self, split) <= 1:
                raise ValueError(f"{split} share of {self.first} and {self.second} must be between 0 and 1")


def _check(correlations: Sequence[Correlation]) -> None:
    leader = {c.second: c.first for c in correlations}
    seconds = [c.second for c in correlations]
    for name in seconds:
        if seconds.count(name) > 1:
            raise ValueError(f"two correlations draw {name!r}: an attribute can be `second` only once")
        followed, steps = leader[name], 0
        while followed in leader and steps < len(leader):
            followed, steps = leader[followed], steps + 1
        if followed in leader:
            raise ValueError(f"the correlations run in a circle through {name!r}: leave one of them out")
    if {"emotion", "smiling"} <= {name for c in correlations for name in (c.first, c.second)}:
        raise ValueError("correlations name both emotion and smiling, but smiling is the emotion happy")


def _shaped(table: Tensor, *names: str) -> Tensor:
    """Lay `table`, with its axes named, along the axes of the joint table."""
    order = sorted(range(len(names)), key=lambda i: _AXES.index(names[i]))
    return table.permute(order).reshape([len(CLASSES[a]) if a in names else 1 for a in _AXES])


def _followed(first: int, second: int, share: float) -> Tensor:
    """Return P(second | first), shape (first, second)."""
    table = torch.full((first, second), (1 - share) / (second - 1), dtype=torch.float64)
    table[torch.arange(first), torch.arange(first) % second] = share
    return table


def label_joint(correlations: Sequence[Correlation], split: Split) -> Tensor:
    """Compute P(gender, ethnicity, attractive, emotion) in a split: float64 (2, 3, 2, 6), summing to 1.

    Every attribute is uniform unless a correlation draws it; smiling is the emotion happy, so with uniform
    emotions it has P = 1/6. If a correlation names smiling, smiling is drawn first, and the emotion is happy
    with it or uniform over the other five without.

    Raises:
        ValueError: an attribute is drawn twice or in a circle, or emotion and smiling are both named.
    """
    _check(correlations)
    factors = {name: _shaped(torch.full((len(c),), 1 / len(c)).double(), name) for name, c in CLASSES.items()}
    is_happy = torch.nn.functional.one_hot(torch.tensor(HAPPY), len(EMOTIONS)).double()
    if any("smiling" in (c.first, c.second) for c in correlations):
        given_smile = torch.stack([(1 - is_happy) / (len(EMOTIONS) - 1), is_happy])
        factors["emotion"] = _shaped(given_smile, "smiling", "emotion")
    else:
        factors["smiling"] = _shaped(torch.stack([1 - is_happy, is_happy]), "smiling", "emotion")
    for c in correlations:
        given_first = _followed(len(CLASSES[c.first]), len(CLASSES[c.second]), getattr(c, split))
        factors[c.second] = _shaped(given_first, c.first, c.second)
    joint = torch.ones(())
    for factor in factors.values():
        joint = joint * factor
    return joint.sum(_AXES.index("smiling"))


def pick(probabilities: Tensor, quantile: Tensor) -> Tensor:
    """Pick the class at each quantile of a distribution.

    Args:
        probabilities: (K,) or (N, K) float64, rows summing to 1.
        quantile: (N,) float64 in [0, 1).

    Returns:
        (N,) int64; a class of probability 0 is never picked.
    """
    edges = probabilities.cumsum(-1).expand(len(quantile), -1).contiguous()
    edges = edges / edges[:, -1:]  # the last edge is 1 exactly, above any quantile
    return torch.searchsorted(edges, quantile[:, None], right=True)[:, 0]
