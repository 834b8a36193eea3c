"""The table of attackers: the classifiers that try to read an attribute from embeddings.

Every attacker weighs the classes equally; otherwise a large class hides a weak leak. Every one has the same
budget, six settings, so none looks weak for want of tuning; only forests have three, each of which costs a
hundred trees. Adding one takes a name here, its row in `TABLE`, and its function in `attackers`. A name with
a dot is the class path of a user's own estimator, see `user_estimator`; it has its default setting only.
"""

from collections.abc import Sequence
from itertools import product
from typing import Literal, NamedTuple, get_args

from evaluation.probes.standardise import SCALINGS, Scaling

Attacker = Literal[
    "linear", "mlp", "rbf_svm", "forest", "knn", "boosting", "qda", "svm_pca", "average", "similarity",
    "kernel_linear", "kernel_rbf",
]  # fmt: skip
ATTACKERS: tuple[Attacker, ...] = get_args(Attacker)
"""All of them, which the audit cross-fits with tuned settings."""

TEST_ATTACKERS: tuple[Attacker, ...] = ("kernel_linear", "kernel_rbf")
"""The classifiers of the permutation test, which attack whenever it tests; they have no settings."""

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
    times: int = 1
    """Multiple of `max_samples` that it learns from at most, if it is faster than the others."""
    scalings: tuple[Scaling, ...] = SCALINGS
    """Scalings that differ for it: trees do not change with the scale of a feature, and robust features keep
    their thresholds within float32."""


def _grid(**values: tuple[float, ...]) -> list[Setting]:
    return [dict(zip(values, point, strict=True)) for point in product(*values.values())]


_TREES: tuple[Scaling, ...] = ("robust", "unit")
_SCALED: tuple[Scaling, ...] = ("standardised", "robust", "unit")

TABLE: dict[Attacker, AttackerRow] = {
    "linear": AttackerRow(_grid(C=(0.001, 0.01, 0.1, 1, 10, 100)), {"C": 0.01}),
    # `length` is a share of the full training: one network passes through all of them
    "mlp": AttackerRow(_grid(decay=(0.01, 0.05), length=(0.125, 0.5, 1)), {"decay": 0.01, "length": 1}),
    # `gamma` in units of 1 / D, also on raw embeddings: a leak that only scaling hides is a diagnosis
    "rbf_svm": AttackerRow(_grid(C=(1, 10, 100), gamma=(0.25, 1)), {"C": 1, "gamma": 1}, subsampled=True),
    "qda": AttackerRow(
        _grid(components=(16, 48, 128), shrinkage=(0.1, 0.5)), {"components": 48, "shrinkage": 0.5}
    ),
    "svm_pca": AttackerRow(
        _grid(components=(16, 48, 128), C=(1, 10)), {"components": 48, "C": 1}, subsampled=True
    ),
    "average": AttackerRow(
        _grid(components=(16, 48, 128), C=(1, 10)), {"components": 48, "C": 1}, subsampled=True
    ),
    # by cosine, which is that of verification on raw rows
    "similarity": AttackerRow(
        _grid(n=(5, 50, 600), log_rank=(0, 1)), {"n": 50, "log_rank": 1}, scalings=("standardised", "raw")
    ),
    "forest": AttackerRow(_grid(leaf=(1, 10, 100)), {"leaf": 1}, subsampled=True, scalings=_TREES),
    "knn": AttackerRow(_grid(k=(1, 5, 15, 45, 100, 200)), {"k": 15}),
    "boosting": AttackerRow(
        _grid(rounds=(10, 20, 30, 50, 70, 100)), {"rounds": 100}, subsampled=True, scalings=_TREES
    ),
    "kernel_linear": AttackerRow([{}], {}, subsampled=True, scalings=_SCALED),
    "kernel_rbf": AttackerRow([{}], {}, subsampled=True, times=2, scalings=_SCALED),
}


def attacker_row(attacker: str) -> AttackerRow:
    """Return the row of an attacker; one of the user's own has one setting, and learns from a subsample."""
    for name, row in TABLE.items():
        if name == attacker:
            return row
    return AttackerRow([{}], {}, subsampled=True)


def scalings_of(attacker: str, asked: Sequence[Scaling]) -> list[Scaling]:
    """Return those of the scalings that differ for an attacker, or the first one where none is among them.

    Robust features stand for raw and standardised ones only where they are asked for.
    """
    differing = attacker_row(attacker).scalings
    if differing == _TREES and "robust" not in asked:
        return list(asked)
    return [scaling for scaling in asked if scaling in differing] or [asked[0]]


def describe_settings(settings: Sequence[Setting]) -> str:
    """Format the settings of the folds as `C=0.01`, or with their counts, the most frequent first."""
    texts = [", ".join(f"{name}={value:g}" for name, value in setting.items()) for setting in settings]
    if not any(texts):
        return "its own default"
    counts = {text: texts.count(text) for text in texts}
    if len(counts) == 1:
        return texts[0]
    ranked = sorted(counts, key=lambda text: -counts[text])
    return "; ".join(f"{text} ({counts[text]} of {len(texts)})" for text in ranked)
