"""How much of an attribute embeddings give away to people whom nobody has learned the attribute from."""

from collections.abc import Sequence
from math import nan

import numpy as np
import pandas as pd
from sklearn.utils.class_weight import compute_sample_weight

from evaluation.probes.probe_families import FAMILIES, Family, predict, standardise
from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.labelled_samples import (
    Samples,
    known_samples,
    known_subjects,
    subjects_of,
    take_samples,
)

_SUBSAMPLED = ("rbf_svm", "forest")  # their time grows faster than the samples do
_DRAWS = 1000
AT_CHANCE = 0.01  # above chance by less is nothing to take a share of


def run_probes(
    train: Samples,
    test: Samples,
    families: Sequence[Family] = FAMILIES,
    seed: int = 0,
    max_samples: int = 5000,
) -> pd.DataFrame:
    """Train a probe of each family on one set of people, and test it on others.

    Args:
        train: what the probes learn from; its statistics standardise both.
        test: what they are measured on, with nobody of `train`.
        families: kinds of probe, see `probe_families.predict`.
        seed: of every draw, so the same call gives the same table.
        max_samples: training samples, drawn at random, that rbf_svm and forest learn from.

    Returns:
        One row a family: `family`; `accuracy` and its `majority` (share of the largest test class, what a
        constant gets); `balanced_accuracy` (mean recall of the classes in the test set), the `low` and `high`
        ends of its 95 % interval, and its `chance` (1 / classes); `n_train` and `n_test`. All but the counts
        are in [0, 1]. The interval comes from drawing the test people anew, not their images (samples whose
        person is unknown count as a person each).

    Raises:
        ValueError: a person is in both sets, an embedding is not finite, shapes do not match, or a set has
            fewer than two classes or people.
    """
    train, test = known_samples(train, "training"), known_samples(test, "test")
    if shared := len(np.intersect1d(known_subjects(train), known_subjects(test))):
        raise ValueError(f"{shared} people are in the probes' training set and in their test set")
    if train.embedding.shape[1] != test.embedding.shape[1]:
        widths = f"{train.embedding.shape[1]} and {test.embedding.shape[1]}"
        raise ValueError(f"training and test embeddings differ in length: {widths}")
    some = np.random.default_rng(seed).permutation(len(train.label))[:max_samples]
    bounded = known_samples(take_samples(train, some), "subsampled training")
    return pd.DataFrame([_measure(f, bounded if f in _SUBSAMPLED else train, test, seed) for f in families])


def _measure(family: Family, train: Samples, test: Samples, seed: int) -> dict[str, object]:
    """One row of `run_probes`."""
    x, x_test = standardise(train.embedding, test.embedding)
    correct = predict(family, x, train.label, x_test, seed) == test.label
    found = accuracies(correct, test.label, subjects_of(test), seed)
    return {"family": family, **found, "n_train": len(train.label), "n_test": len(test.label)}


def accuracies(correct: np.ndarray, label: Ints, people: Ints, seed: int) -> dict[str, float]:
    """The columns of `run_probes` from `accuracy` to `chance`; arguments as for `balanced_interval`."""
    low, high = balanced_interval(correct, label, people, seed)
    sizes = np.unique(label, return_counts=True)[1]
    return {
        "accuracy": correct.mean(),
        "majority": sizes.max() / sizes.sum(),
        "balanced_accuracy": np.average(correct, weights=compute_sample_weight("balanced", label)),
        "low": low,
        "high": high,
        "chance": 1 / len(sizes),
    }


def strongest(table: pd.DataFrame) -> pd.Series:
    """The row of `run_probes` with the highest balanced accuracy, the first of equals.

    Picked by its test score, so with little to find it lies above chance by the luck of the best of several.
    """
    return table.iloc[int(table["balanced_accuracy"].argmax())]


def removed(before: float, after: float, chance: float, low: float = nan) -> float:
    """Percent of what was read above chance that is no longer read (thesis, eq. 4.1): the one rule for all.

    100 is all of it, 0 nothing, less than 0 more than there was. A score below chance counts as chance, which
    reads nothing: no more than 100 can go. There is nothing to take a share of, and the result is nan, where
    what was read before lies within a point of chance, or its interval holds chance.

    Args:
        before: balanced accuracy, or another score in [0, 1] whose chance is known.
        after: likewise.
        chance: of both.
        low: lower end of the interval of `before`; nan where there is none.
    """
    if before - chance < AT_CHANCE or low <= chance:
        return nan
    return 100 * (before - max(after, chance)) / (before - chance)


def permutation_null(train: Samples, test: Samples, permutations: int = 20, seed: int = 0) -> Floats:
    """Balanced accuracy (permutations,) of linear probes whose training labels were shuffled.

    What a probe reads where there is nothing to read: a real one says something if it lies above these.

    Args:
        train: as for `run_probes`, which says what is refused.
        test: as for `run_probes`.
        permutations: how many times the labels of the training samples are shuffled.
        seed: of the shuffles.
    """
    train = known_samples(train, "training")
    rng = np.random.default_rng(seed)
    tables = [
        run_probes(train._replace(label=rng.permutation(train.label)), test, ["linear"], seed)
        for _ in range(permutations)
    ]
    return np.array([table["balanced_accuracy"].item() for table in tables])


def balanced_interval(correct: np.ndarray, label: Ints, people: Ints, seed: int) -> tuple[float, float]:
    """95 % bootstrap interval of the balanced accuracy, resampling people and not their samples.

    Args:
        correct: (N,) bool, or the share of several answers that were right.
        label: (N,) classes.
        people: (N,) whose the samples are.
        seed: of the draws.
    """
    classes, label = np.unique(label, return_inverse=True)
    crowd, people = np.unique(people, return_inverse=True)
    trials = np.zeros((len(crowd), len(classes)))
    hits = np.zeros_like(trials)
    np.add.at(trials, (people, label), 1)
    np.add.at(hits, (people, label), correct)
    rng = np.random.default_rng(seed)
    draws = []
    for _ in range(_DRAWS):
        times = np.bincount(rng.integers(len(crowd), size=len(crowd)), minlength=len(crowd))
        drawn = times @ trials
        draws.append(np.mean((times @ hits)[drawn > 0] / drawn[drawn > 0]))  # a class may not be drawn
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)
