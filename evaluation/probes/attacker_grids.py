"""The attackers of an audit, and the settings that each is tried with."""

from itertools import product
from typing import Literal, get_args

Attacker = Literal["linear", "mlp", "rbf_svm", "forest", "knn", "boosting"]
ATTACKERS: tuple[Attacker, ...] = get_args(Attacker)

Scaling = Literal["standardised", "raw"]
SCALINGS: tuple[Scaling, ...] = get_args(Scaling)

Setting = dict[str, float]


def _grid(**values: tuple[float, ...]) -> list[Setting]:
    return [dict(zip(values, point, strict=True)) for point in product(*values.values())]


GRIDS: dict[Attacker, list[Setting]] = {
    "linear": _grid(C=(0.001, 0.01, 0.1, 1, 10)),
    # `length` is a share of the full training, all of which one network passes through
    "mlp": _grid(decay=(0.01, 0.05), length=(0.125, 0.5, 1)),
    # `gamma` in units of 1 / D, of raw embeddings too: one that hides its scale from neither is the diagnosis
    "rbf_svm": _grid(C=(1, 10), gamma=(0.25, 1)),
    "forest": _grid(leaf=(1, 10)),
    "knn": _grid(k=(1, 5, 15, 45)),
    "boosting": _grid(rounds=(25, 50, 100)),
}
"""Candidates, in the order in which the first of equals is taken."""

DEFAULTS: dict[Attacker, Setting] = {
    "linear": {"C": 0.01},
    "mlp": {"decay": 0.01, "length": 1},
    "rbf_svm": {"C": 1, "gamma": 1},
    "forest": {"leaf": 1},
    "knn": {"k": 15},
    "boosting": {"rounds": 100},
}
"""What is taken where nothing is tuned."""

SUBSAMPLED: tuple[Attacker, ...] = ("rbf_svm", "forest", "boosting")
"""Their time grows faster than that of the others: they learn from `max_samples` at most."""


def in_words(settings: list[Setting]) -> str:
    """The settings of the folds as `C=0.01`, or how often each was chosen, the most frequent first."""
    texts = [", ".join(f"{name}={value:g}" for name, value in setting.items()) for setting in settings]
    counts = {text: texts.count(text) for text in texts}
    if len(counts) == 1:
        return texts[0]
    ranked = sorted(counts, key=lambda text: -counts[text])
    return "; ".join(f"{text} ({counts[text]} of {len(texts)})" for text in ranked)
