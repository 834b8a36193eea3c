"""What an attacker reads of people by what it learned from others, its settings chosen among these others."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from sklearn.metrics import balanced_accuracy_score

from evaluation.probes.attacker_grids import DEFAULTS, GRIDS, SUBSAMPLED, Attacker, Scaling, Setting
from evaluation.probes.attackers import attack
from evaluation.probes.batched_mlp import Perceptron, mlp_predictions
from evaluation.probes.probe_families import standardise
from evaluation.samples.arrays import Ints
from evaluation.samples.audited_samples import AuditedSamples
from evaluation.samples.subject_folds import people_folds

_INNER, _TUNING_SAMPLES = 3, 2500  # folds, and training samples that they divide at most


class Fold(NamedTuple):
    """Rows that an attacker learns from and reads, and the settings that it is tried with."""

    train: Ints
    test: Ints
    settings: Sequence[Setting]


class CrossFit(NamedTuple):
    """What an attacker made of F folds."""

    predictions: list[Ints]
    """Classes of the test rows of each fold."""
    settings: list[Setting]
    """What was chosen in each."""
    n_train: float
    """Mean number of samples learned from."""


def cross_fit(
    attacker: Attacker,
    scaling: Scaling,
    samples: AuditedSamples,
    splits: Sequence[tuple[Ints, Ints]],
    *,
    tune: bool,
    max_samples: int,
    seed: int,
) -> CrossFit:
    """Attack every fold.

    Args:
        attacker: who reads.
        scaling: `standardised` by the statistics of what is learned from, or `raw`.
        samples: of all folds.
        splits: F times rows to learn from and rows to read, of other people.
        tune: choose the setting in each fold by the balanced accuracy in three folds of the people that it
            learns from, of 2,500 of their samples at most. Without, or where a class has one person, it is
            that of `attacker_grids.DEFAULTS`.
        max_samples: training samples, drawn at random, of the attackers in `attacker_grids.SUBSAMPLED`.
        seed: of every draw.
    """
    if attacker in SUBSAMPLED:
        splits = [(_some(train, samples.label, max_samples, seed), test) for train, test in splits]
    chosen = [DEFAULTS[attacker]] * len(splits)
    if tune:
        chosen = _choose(attacker, scaling, samples, [train for train, _ in splits], seed)
    folds = [Fold(train, test, [setting]) for (train, test), setting in zip(splits, chosen, strict=True)]
    predictions = [found[0] for found in read(attacker, scaling, samples, folds, seed)]
    return CrossFit(predictions, chosen, float(np.mean([len(train) for train, _ in splits])))


def read(
    attacker: Attacker, scaling: Scaling, samples: AuditedSamples, folds: Sequence[Fold], seed: int
) -> list[list[Ints]]:
    """For each fold, for each of its settings, the classes that are read of its test rows."""
    if attacker == "mlp":
        return _read_by_mlps(scaling, samples, folds, seed)
    found = []
    for train, test, settings in folds:
        x, x_test = (samples.embedding[rows].astype(np.float64) for rows in (train, test))
        if scaling == "standardised":
            x, x_test = standardise(x, x_test)
        found.append(attack(attacker, x, samples.label[train], x_test, settings, seed))
    return found


def _read_by_mlps(
    scaling: Scaling, samples: AuditedSamples, folds: Sequence[Fold], seed: int
) -> list[list[Ints]]:
    """All networks train as one; a length is a stop on the way of the network with the same decay."""
    stops = sorted({setting["length"] for fold in folds for setting in fold.settings})
    wanted = [
        (i, decay) for i, fold in enumerate(folds) for decay in {s["decay"]: None for s in fold.settings}
    ]
    networks = [Perceptron(folds[i].train, folds[i].test, decay, seed) for i, decay in wanted]
    answers = mlp_predictions(
        samples.embedding, samples.label, networks, stops, scale=scaling == "standardised"
    )
    found = dict(zip(wanted, answers, strict=True))
    return [
        [found[i, s["decay"]][stops.index(s["length"])] for s in fold.settings]
        for i, fold in enumerate(folds)
    ]


def _choose(
    attacker: Attacker, scaling: Scaling, samples: AuditedSamples, trains: Sequence[Ints], seed: int
) -> list[Setting]:
    """The best setting for each training set; the folds of all of them are attacked in one call."""
    inner = [inner_folds(samples, _some(rows, samples.label, _TUNING_SAMPLES, seed), seed) for rows in trains]
    grid = GRIDS[attacker]
    folds = [Fold(train, test, grid) for splits in inner for train, test in splits]
    answers = iter(read(attacker, scaling, samples, folds, seed) if folds else [])
    chosen = []
    for splits in inner:
        found = [next(answers) for _ in splits]
        if not found:
            chosen.append(DEFAULTS[attacker])
            continue
        label = np.concatenate([samples.label[test] for _, test in splits])
        scores = [balanced_accuracy_score(label, np.concatenate(parts)) for parts in zip(*found, strict=True)]
        chosen.append(grid[int(np.argmax(scores))])
    return chosen


def inner_folds(samples: AuditedSamples, rows: Ints, seed: int) -> list[tuple[Ints, Ints]]:
    """Three folds of the people of some rows, or as few as a class has people; none if that is one."""
    label, people = samples.label[rows], samples.people[rows]
    folds = min(_INNER, fewest_people(label, people))
    if folds < 2:
        return []
    found = [(rows[train], rows[test]) for train, test in people_folds(label, people, folds, seed)]
    classes = len(np.unique(label))
    return found if all(len(np.unique(samples.label[train])) == classes for train, _ in found) else []


def fewest_people(label: Ints, people: Ints) -> int:
    """Of any class: how many people are in it."""
    pairs = np.unique(np.stack([label, people]), axis=1)
    return int(np.unique(pairs[0], return_counts=True)[1].min())


def _some(rows: Ints, label: Ints, size: int, seed: int) -> Ints:
    """At most so many of the rows, in a random order, with every class among them."""
    if len(rows) <= size:
        return rows
    order = np.random.default_rng(seed).permutation(rows)
    first = np.unique(label[order], return_index=True)[1]
    return np.concatenate([order[first], np.delete(order, first)])[:size]
