"""Leakage after an eraser that is fitted anew in every fold, for data of few subjects.

The audit takes one fitted representation and the subjects that it has not seen. With a few dozen subjects
these are too few: here every subject is tested once a repeat, by an eraser and attackers that have not
learned from it.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from evaluation.leakage.accuracies import accuracies
from evaluation.leakage.cross_fitted_leakage import retraining_spread
from evaluation.leakage.cross_fitting import cross_fit, min_subjects_per_class
from evaluation.probes.attacker_table import scalings_of
from evaluation.probes.standardise import Scaling
from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.audited_samples import AuditedSamples, audited_samples
from evaluation.samples.labelled_samples import Samples, known_samples
from evaluation.samples.subject_folds import subject_folds
from evaluation.verification.all_pairs import verification

Crowd = Literal["seen", "unseen", "tested"]
CROWDS: tuple[Crowd, ...] = get_args(Crowd)

Fit = Callable[[Floats, Ints, Ints], Callable[[Floats], Floats]]
"""Fits an eraser to embeddings (n, D), labels (n,) and subjects (n,)."""

Split = tuple[Ints, Ints]
"""Rows from which attackers learn, and rows that they predict."""


class ErasureReadings(NamedTuple):
    """Readings of R attackers and scalings after erasers that were fitted in folds."""

    table: pd.DataFrame
    """R rows, see `refitted_erasure`."""
    correct: NDArray[np.float32]
    """(R, N) share of the repeats in which each sample of known class was predicted correctly."""
    auc: Floats
    """(repeats,) verification AUC among test subjects, mean over folds; nan if it is undefined."""
    eer: Floats
    """(repeats,) equal error rate, likewise."""


def refitted_erasure(
    samples: Samples,
    fit: Fit,
    *,
    crowd: Crowd = "seen",
    attackers: Sequence[str] = ("linear", "mlp", "rbf_svm"),
    scalings: Sequence[Scaling] = ("standardised",),
    folds: int = 5,
    repeats: int = 1,
    tune: bool = False,
    max_samples: int = 5000,
    seed: int = 0,
) -> ErasureReadings:
    """Fit an eraser in each of several divisions into folds by subject, and attack the left-out subjects.

    Args:
        samples: original embeddings, one attribute and the subjects.
        fit: fits the eraser, which is then applied to all samples.
        crowd: from whom the attackers learn. `seen`: the subjects of the eraser's training, whose erased
            embeddings may show less than those of others. `unseen`: the eraser is fitted to half of the
            training subjects, attackers to the other half. `tested`: the eraser as for `seen`; attackers also
            have half of the images of the tested subjects, with labels, and predict the other half.
        attackers: see `cross_fitted_leakage`.
        scalings: see `cross_fitted_leakage`.
        folds: number of groups of subjects.
        repeats: number of random divisions into folds.
        tune: choose the attackers' settings by cross-validation over their training subjects.
        max_samples: training samples of the slow attackers.
        seed: seed of every random choice of folds and attackers; the eraser has its own.

    Returns:
        The predictions that were correct, verification, and a table with one row for each attacker and
        scaling: `crowd`, `attacker`, `scaling`; the columns of `accuracies`, with intervals over subjects
        that also cover the spread over repeats; `spread`; `n` samples of `people` subjects; `n_train`.

    Raises:
        ValueError: an unknown crowd, a class with fewer subjects than folds, or, with half of the training
            subjects, a class without any; see also `audited_samples`.
    """
    if crowd not in CROWDS:
        raise ValueError(f"crowd is one of {', '.join(CROWDS)}, not {crowd!r}")
    known = audited_samples(samples, folds)
    if (fewest := min_subjects_per_class(known.label, known.subjects)) < folds:
        raise ValueError(f"a class of the attribute has {fewest} subjects, too few for {folds} folds")
    identity = known_samples(samples, "attacked").identity
    identity = np.full(len(known.label), -1) if identity is None else np.asarray(identity)
    jobs = [(name, scaling) for name in attackers for scaling in scalings_of(name, scalings)]
    right = np.zeros((len(jobs), repeats, len(known.label)), np.float32)
    sizes, pairs = np.zeros(len(jobs)), np.zeros((repeats, folds, 2))
    for repeat in range(repeats):
        divided = subject_folds(known.label, known.subjects, folds, seed + repeat)
        for fold, (train, test) in enumerate(divided):
            learned, splits = _crowd(crowd, known, train, test, seed + repeat)
            eraser = fit(known.embedding[learned], known.label[learned], known.subjects[learned])
            erased = known._replace(embedding=np.asarray(eraser(known.embedding)))
            found = verification(torch.from_numpy(erased.embedding[test]), torch.from_numpy(identity[test]))
            pairs[repeat, fold] = found.auc, found.eer
            for place, (attacker, scaling) in enumerate(jobs):
                attack = cross_fit(
                    attacker, scaling, erased, splits, tune=tune, max_samples=max_samples, seed=seed
                )
                sizes[place] += attack.n_train / (repeats * folds)
                for (_, asked), prediction in zip(splits, attack.predictions, strict=True):
                    right[place, repeat, asked] = prediction == known.label[asked]
    rows = [
        {"crowd": crowd, "attacker": attacker, "scaling": scaling, **_measure(right[place], known)}
        | {"n_train": round(sizes[place])}
        for place, (attacker, scaling) in enumerate(jobs)
    ]
    auc, eer = pairs.mean(1).T
    return ErasureReadings(pd.DataFrame(rows), right.mean(1), auc, eer)


def _measure(right: NDArray[np.float32], known: AuditedSamples) -> dict[str, float]:
    """Compute the columns of one attacker from its correct predictions (repeats, N)."""
    spread = retraining_spread(right, known.label)
    found = accuracies(right.mean(0), known.label, known.subjects, np.nan_to_num(spread))
    return found | {"spread": spread, "n": len(known.label), "people": len(np.unique(known.subjects))}


def _crowd(
    crowd: Crowd, known: AuditedSamples, train: Ints, test: Ints, seed: int
) -> tuple[Ints, list[Split]]:
    """Choose the rows that the eraser learns from, and what attackers learn from and predict."""
    if crowd == "unseen":
        first, second = next(iter(subject_folds(known.label[train], known.subjects[train], 2, seed)))
        learned, others = train[first], train[second]
        _check_classes(known.label, learned, others)
        return learned, [(others, test)]
    _check_classes(known.label, train)
    if crowd == "seen":
        return train, [(train, test)]
    order = np.random.default_rng(seed).permutation(test)
    cell = pd.MultiIndex.from_arrays([known.subjects[order], known.label[order]])
    odd = pd.Series(0, index=cell).groupby(level=[0, 1]).cumcount().to_numpy() % 2 == 1
    halves = order[odd], order[~odd]
    return train, [(np.concatenate([train, a]), b) for a, b in (halves, halves[::-1])]


def _check_classes(label: Ints, *parts: Ints) -> None:
    for rows in parts:
        if len(np.unique(label[rows])) < label.max() + 1:
            raise ValueError("all subjects of a class fell into one part; ask for other folds")
