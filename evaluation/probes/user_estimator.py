"""Attackers of the user's own: scikit-learn estimators, named by their class path."""

import inspect
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from sklearn.utils.class_weight import compute_sample_weight

from evaluation.probes.attacker_table import Setting
from evaluation.samples.arrays import Floats, Ints


def load_estimator(path: str, seed: int = 0) -> Any:
    """Create a classifier with its default settings, its seed set, and its classes weighed equally if it can.

    Args:
        path: class path, such as `sklearn.ensemble.ExtraTreesClassifier`.
        seed: its `random_state`, if it has one.

    Raises:
        ValueError: nothing can be imported from the path, or it is no class with `fit` and `predict`.
    """
    module, _, name = path.rpartition(".")
    try:
        kind = getattr(import_module(module), name)
        parameters = inspect.signature(kind).parameters
        settings = {"random_state": seed, "class_weight": "balanced"}
        estimator = kind(**{key: value for key, value in settings.items() if key in parameters})
    except Exception as error:
        raise ValueError(f"attacker {path} cannot be created: {error}") from error
    if not (callable(getattr(estimator, "fit", None)) and callable(getattr(estimator, "predict", None))):
        raise ValueError(f"attacker {path} has no fit and predict, so it is no classifier of scikit-learn")
    return estimator


def attack_with_estimator(
    path: str, train: Floats, label: Ints, test: Floats, settings: Sequence[Setting], seed: int
) -> list[Ints]:
    """Train a user's estimator, and predict the classes (M,) of the test set, the same for each setting.

    An estimator that has no class weights of its own learns with balanced sample weights, if it takes them.

    Args:
        path: class path of the estimator.
        train: (N, D) embeddings.
        label: (N,) classes 0, 1, ...
        test: (M, D), scaled as `train`.
        settings: points without any value.
        seed: seed of the estimator.
    """
    estimator, weights = load_estimator(path, seed), {}
    balanced = getattr(estimator, "class_weight", None) == "balanced"
    if not balanced and "sample_weight" in inspect.signature(estimator.fit).parameters:
        weights["sample_weight"] = compute_sample_weight("balanced", label)
    found = np.asarray(estimator.fit(train, label, **weights).predict(test), np.int64)
    return [found] * len(settings)
