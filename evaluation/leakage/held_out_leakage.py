"""Leakage by a train/test split: probes learn from some subjects and are tested on others.

The callbacks of a training use this estimate: one fit for each attacker, with its default setting. The audit
uses `cross_fitted_leakage`, which tests every subject and tunes the attackers; the two give different
numbers.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from evaluation.leakage.accuracies import accuracies
from evaluation.probes.attacker_table import FAMILIES, TABLE, Family
from evaluation.probes.attackers import predict
from evaluation.probes.standardise import standardise
from evaluation.samples.labelled_samples import (
    Samples,
    known_samples,
    known_subjects,
    subjects_of,
    take_samples,
)


def held_out_leakage(
    train: Samples,
    test: Samples,
    families: Sequence[Family] = FAMILIES,
    seed: int = 0,
    max_samples: int = 5000,
) -> pd.DataFrame:
    """Train a probe of each family on one set of subjects, and test it on the others.

    Args:
        train: training samples; their statistics standardise both sets.
        test: test samples, of other subjects.
        families: kinds of probe, see `attackers.predict`.
        seed: seed of every random choice, so the same call returns the same table.
        max_samples: training samples, drawn at random, for rbf_svm and forest.

    Returns:
        One row for each family: `family`, the columns of `accuracies` for the test set, `n_train` and
        `n_test`. Each sample of unknown identity counts as a subject of its own.

    Raises:
        ValueError: a subject is in both sets, an embedding is not finite, shapes do not match, or a set has
            fewer than two classes or subjects.
    """
    train, test = known_samples(train, "training"), known_samples(test, "test")
    if shared := len(np.intersect1d(known_subjects(train), known_subjects(test))):
        raise ValueError(f"{shared} people are in the probes' training set and in their test set")
    if train.embedding.shape[1] != test.embedding.shape[1]:
        widths = f"{train.embedding.shape[1]} and {test.embedding.shape[1]}"
        raise ValueError(f"training and test embeddings differ in length: {widths}")
    some = np.random.default_rng(seed).permutation(len(train.label))[:max_samples]
    bounded = known_samples(take_samples(train, some), "subsampled training")
    return pd.DataFrame(
        [_measure(f, bounded if TABLE[f].subsampled else train, test, seed) for f in families]
    )


def _measure(family: Family, train: Samples, test: Samples, seed: int) -> dict[str, object]:
    x, x_test = standardise(train.embedding, test.embedding)
    correct = predict(family, x, train.label, x_test, seed) == test.label
    found = accuracies(correct, test.label, subjects_of(test))
    return {"family": family, **found, "n_train": len(train.label), "n_test": len(test.label)}
