"""The table of attackers: the classifiers that try to read an attribute from embeddings.

Every attacker weighs the classes equally; otherwise a large class hides a weak leak. Adding one takes a name
here, its row in `TABLE`, and its function in `attackers`.
"""

from collections.abc import Sequence
from itertools import product
from typing import Literal, NamedTuple, get_args

from evaluation.probes.standardise import SCALINGS, Scaling

Attacker = Literal["linear", "mlp", "rbf_svm", "forest", "knn", "boosting"]
ATTACKERS: tuple[Attacker, ...] = get_args(Attacker)
"""All of them, which the audit cross-fits with tuned settings."""

Family = Literal["linear", "mlp", "rbf_svm", "forest"]
FAMILIES: tuple[Family, ...] = get_args(Family)
"""Attackers of `held_out_leakage`, which trains each once with its default setting."""

ProbabilityFamily = Literal["linear", "mlp"]
PROBABILITY_FAMILIES: tuple[ProbabilityFamily, ...] = get_args(ProbabilityFamily)
"""Attackers that also give calibrated probabilities, see `probability_probes`."""

Setting = dict[str, float]


class AttackerRow(NamedTuple):
    """The settings of one attacker."""

    grid: list[Setting]
    """Candidate settings; of equals the first is chosen."""
    default: Setting
    """The setting that is used without tuning."""
    subsampled: bool = False
    """Whether it learns from `max_samples` samples at most, because its time grows faster than linearly."""
    scalings: tuple[Scaling, ...] = SCALINGS
    """Scalings that differ for it: trees do not change with the scale of a feature, and robust features keep
    their thresholds within float32."""


def _grid(**values: tuple[float, ...]) -> list[Setting]:
    return [dict(zip(values, point, strict=True)) for point in product(*values.values())]


_TREES: tuple[Scaling, ...] = ("robust", "unit")

TABLE: dict[Attacker, AttackerRow] = {
    "linear": AttackerRow(_grid(C=(0.001, 0.01, 0.1, 1, 10)), {"C": 0.01}),
    # `length` is a share of the full training: one network passes through all of them
    "mlp": AttackerRow(_grid(decay=(0.01, 0.05), length=(0.125, 0.5, 1)), {"decay": 0.01, "length": 1}),
    # `gamma` in units of 1 / D, also on raw embeddings: a leak that only scaling hides is a diagnosis
    "rbf_svm": AttackerRow(_grid(C=(1, 10), gamma=(0.25, 1)), {"C": 1, "gamma": 1}, subsampled=True),
    "forest": AttackerRow(_grid(leaf=(1, 10)), {"leaf": 1}, subsampled=True, scalings=_TREES),
    "knn": AttackerRow(_grid(k=(1, 5, 15, 45)), {"k": 15}),
    "boosting": AttackerRow(_grid(rounds=(25, 50, 100)), {"rounds": 100}, subsampled=True, scalings=_TREES),
}


def scalings_of(attacker: Attacker, asked: Sequence[Scaling]) -> list[Scaling]:
    """Return those of the scalings that differ for an attacker, or the first one where none is among them."""
    return [scaling for scaling in asked if scaling in TABLE[attacker].scalings] or [asked[0]]


def describe_settings(settings: Sequence[Setting]) -> str:
    """Format the settings of the folds as `C=0.01`, or with their counts, the most frequent first."""
    texts = [", ".join(f"{name}={value:g}" for name, value in setting.items()) for setting in settings]
    counts = {text: texts.count(text) for text in texts}
    if len(counts) == 1:
        return texts[0]
    ranked = sorted(counts, key=lambda text: -counts[text])
    return "; ".join(f"{text} ({counts[text]} of {len(texts)})" for text in ranked)
