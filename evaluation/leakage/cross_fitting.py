"""Cross-fit an attacker: predict each fold from the others, with settings tuned on the training subjects."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from sklearn.metrics import balanced_accuracy_score

from evaluation.probes.attacker_table import Setting, attacker_row
from evaluation.probes.attackers import attack
from evaluation.probes.batched_mlp import Perceptron, mlp_predictions
from evaluation.probes.standardise import Scaling, scale_rows
from evaluation.samples.arrays import Ints
from evaluation.samples.audited_samples import AuditedSamples
from evaluation.samples.subject_folds import subject_folds

_INNER_FOLDS, _TUNING_SAMPLES = 3, 2500  # of the tuning: folds, and the most training samples it uses
_ENOUGH = 800  # test samples of the first inner fold, of which the others are not needed


class Fold(NamedTuple):
    """Training rows and test rows of an attacker, and the settings to try."""

    train: Ints
    test: Ints
    settings: Sequence[Setting]


class CrossFit(NamedTuple):
    """Results of an attacker on F folds."""

    predictions: list[Ints]
    """Predicted classes of the test rows of each fold."""
    settings: list[Setting]
    """Setting that was used in each fold."""
    n_train: float
    """Mean number of training samples."""


def cross_fit(
    attacker: str,
    scaling: Scaling,
    samples: AuditedSamples,
    splits: Sequence[tuple[Ints, Ints]],
    *,
    tune: bool,
    max_samples: int,
    seed: int,
    settings: Sequence[Setting] | None = None,
) -> CrossFit:
    """Attack every fold.

    Args:
        attacker: name of the attacker, or class path of a user's estimator.
        scaling: of the embeddings, by the statistics of the training rows; see `scale_rows`.
        samples: samples of all folds.
        splits: training rows and test rows of F folds; the subjects differ.
        tune: choose the setting of each fold by the balanced accuracy in three inner folds of its training
            subjects, on at most 2,500 of their samples; in the first of them alone where that tests 800
            samples. Without it, or where a class has one subject, the default setting is used.
        max_samples: training samples, drawn at random, of the attackers that the table marks as
            `subsampled`, or a multiple.
        seed: seed of every random choice.
        settings: setting of each fold, chosen before; then nothing is tuned.
    """
    row = attacker_row(attacker)
    if row.subsampled:
        size = max_samples * row.times
        splits = [(_subsample(train, samples.label, size, seed), test) for train, test in splits]
    chosen = list(settings or [attacker_row(attacker).default] * len(splits))
    if tune and settings is None:
        chosen = _choose(attacker, scaling, samples, [train for train, _ in splits], seed)
    folds = [Fold(train, test, [setting]) for (train, test), setting in zip(splits, chosen, strict=True)]
    predictions = [found[0] for found in predict_folds(attacker, scaling, samples, folds, seed)]
    return CrossFit(predictions, chosen, float(np.mean([len(train) for train, _ in splits])))


def predict_folds(
    attacker: str, scaling: Scaling, samples: AuditedSamples, folds: Sequence[Fold], seed: int
) -> list[list[Ints]]:
    """Predict the classes of the test rows, for each fold and each of its settings."""
    if attacker == "mlp":
        return _predict_by_mlps(scaling, samples, folds, seed)
    found = []
    for train, test, settings in folds:
        x, x_test = scale_rows(samples.embedding[train], samples.embedding[test], scaling)
        found.append(attack(attacker, x, samples.label[train], x_test, settings, seed))
    return found


def _predict_by_mlps(
    scaling: Scaling, samples: AuditedSamples, folds: Sequence[Fold], seed: int
) -> list[list[Ints]]:
    """Train all networks as one; each `length` is a stop in the training of the network with that decay."""
    stops = sorted({setting["length"] for fold in folds for setting in fold.settings})
    rows = np.concatenate([rows for train, test, _ in folds for rows in (train, test)])
    x = np.empty((len(rows), samples.embedding.shape[1]), np.float32)  # every fold scaled by its own training
    wanted, networks, first = [], [], 0
    for i, (train, test, settings) in enumerate(folds):
        shown, asked = np.split(np.arange(first, first + len(train) + len(test)), [len(train)])
        x[shown], x[asked] = scale_rows(samples.embedding[train], samples.embedding[test], scaling)
        for decay in dict.fromkeys(setting["decay"] for setting in settings):
            wanted.append((i, decay))
            networks.append(Perceptron(shown, asked, decay, seed))
        first += len(train) + len(test)
    predictions = mlp_predictions(x, samples.label[rows], networks, stops)
    found = dict(zip(wanted, predictions, strict=True))
    return [
        [found[i, s["decay"]][stops.index(s["length"])] for s in fold.settings]
        for i, fold in enumerate(folds)
    ]


def _choose(
    attacker: str, scaling: Scaling, samples: AuditedSamples, trains: Sequence[Ints], seed: int
) -> list[Setting]:
    """Choose the best setting for each training set; all inner folds are attacked in one call."""
    inner = [
        inner_folds(samples, _subsample(rows, samples.label, _TUNING_SAMPLES, seed), seed) for rows in trains
    ]
    inner = [splits[:1] if splits and len(splits[0][1]) >= _ENOUGH else splits for splits in inner]
    grid = attacker_row(attacker).grid
    folds = [Fold(train, test, grid) for splits in inner for train, test in splits]
    predictions = iter(predict_folds(attacker, scaling, samples, folds, seed) if folds else [])
    chosen = []
    for splits in inner:
        found = [next(predictions) for _ in splits]
        if not found:
            chosen.append(attacker_row(attacker).default)
            continue
        label = np.concatenate([samples.label[test] for _, test in splits])
        scores = [balanced_accuracy_score(label, np.concatenate(parts)) for parts in zip(*found, strict=True)]
        chosen.append(grid[int(np.argmax(scores))])
    return chosen


def inner_folds(samples: AuditedSamples, rows: Ints, seed: int) -> list[tuple[Ints, Ints]]:
    """Split rows into folds of their subjects: three, or as many as a class has subjects; [] if one."""
    label, subjects = samples.label[rows], samples.subjects[rows]
    folds = min(_INNER_FOLDS, min_subjects_per_class(label, subjects))
    if folds < 2:
        return []
    found = [(rows[train], rows[test]) for train, test in subject_folds(label, subjects, folds, seed)]
    classes = len(np.unique(label))
    return found if all(len(np.unique(samples.label[train])) == classes for train, _ in found) else []


def min_subjects_per_class(label: Ints, subjects: Ints) -> int:
    """Count the subjects of each class, and return the smallest count."""
    pairs = np.unique(np.stack([label, subjects]), axis=1)
    return int(np.unique(pairs[0], return_counts=True)[1].min())


def _subsample(rows: Ints, label: Ints, size: int, seed: int) -> Ints:
    """Draw at most `size` of the rows, in a random order, with every class among them."""
    if len(rows) <= size:
        return rows
    order = np.random.default_rng(seed).permutation(rows)
    first = np.unique(label[order], return_index=True)[1]
    return np.concatenate([order[first], np.delete(order, first)])[:size]
