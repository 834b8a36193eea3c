"""Leakage against the data of the attacker: measured up to all samples, and extrapolated."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from evaluation.leakage.learning_fit import FORMS, Fit, Form, fit_curves
from evaluation.probes.attacker_table import TABLE, Attacker
from evaluation.probes.attackers import attack
from evaluation.probes.kernel_probe import KernelProbe
from evaluation.probes.standardise import standardise
from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.audited_samples import AuditedSamples, audited_samples, reindex, subsample_subjects
from evaluation.samples.labelled_samples import Samples
from evaluation.samples.subject_bootstrap import draw_count_matrix, percentile_interval
from evaluation.samples.subject_folds import subject_folds

Learner = Attacker | Literal["kernel_rbf"]
LEARNERS: tuple[Learner, ...] = ("kernel_rbf", "linear", "rbf_svm")
"""Attackers of a learning curve: the RBF `KernelProbe`, and fast ones of the table of attackers."""

_FIRST = 250
_STEPS_AT_LEAST = 3  # doublings from the smallest training set to the largest
_TIMES = (2, 10)  # of the largest training set, to extrapolate to
_REPLICATES = 300


def learning_curve(
    samples: Samples,
    attackers: Sequence[Learner] = LEARNERS,
    *,
    folds: int = 5,
    seed: int = 0,
    max_samples: int = 5000,
) -> pd.DataFrame:
    """Measure the leakage by attackers that learn from ever more samples, and extrapolate it.

    A reading is a lower bound: who has more labelled embeddings of the same kind reads more. The attackers,
    with fixed settings, learn from random subjects of the training folds with 250, 500, 1,000, ... samples
    together, then from all; each fold has a draw of its own. Curves of two forms (`learning_fit`) are fitted;
    the one that predicts the largest training set best from the smaller ones gives the extrapolation, for
    twice and ten times the largest.

    The interval of an extrapolation pools the fits of both forms to 300 bootstrap draws of the tested
    subjects, and is widened by the error of that prediction of the largest. How often it contains what
    attackers with that much data read is measured by `benchmarks/learning_curve_check.py`. It says nothing of
    another kind of attacker.

    Args:
        samples: of one representation and one attribute.
        attackers: some of `LEARNERS`, or other names of the table of attackers but `mlp`.
        folds: number of folds of the subjects.
        seed: seed of every random choice.
        max_samples: with more samples, subjects are drawn at random. The time of `kernel_rbf` grows with
            the cube.

    Returns:
        One row for each attacker and size: `attacker`; `n_train`, mean number of training samples;
        `balanced_accuracy`; `low` and `high`, its 95 % interval over subjects, or that of the extrapolation;
        `kind`, `measured` or `extrapolated`.

    Raises:
        ValueError: see `audited_samples`.
    """
    known = audited_samples(samples, folds, max_samples, seed)
    splits = list(subject_folds(known.label, known.subjects, folds, seed))
    pool = min(len(train) for train, _ in splits)
    sizes = training_sizes(pool)
    rows = []
    for attacker in attackers:
        correct, counts = np.zeros((len(sizes), len(known.label))), np.zeros(len(sizes))
        for place, size in enumerate(sizes):
            for fold, (train, test) in enumerate(splits):
                some = train
                if size < pool:
                    some = train[subsample_subjects(reindex(known.subjects[train]), size, seed + fold)]
                correct[place, test] = predict(attacker, known, some, test, seed) == known.label[test]
                counts[place] += len(some) / folds
        times = draw_count_matrix(int(known.subjects.max()) + 1, _REPLICATES, seed)
        whole = np.ones((1, times.shape[1]))
        measured, *replicates = _readings(np.concatenate([whole, times]), correct, known)
        drawn = np.array(replicates)
        for n, reading, column in zip(counts, measured, drawn.T, strict=True):
            rows.append((attacker, round(n), reading, *percentile_interval(column), "measured"))
        chance = 1 / (known.label.max() + 1)
        for times_all, found in zip(_TIMES, extrapolate(counts, measured, drawn, chance), strict=True):
            rows.append((attacker, round(times_all * counts[-1]), *found, "extrapolated"))
    return pd.DataFrame(rows, columns=["attacker", "n_train", "balanced_accuracy", "low", "high", "kind"])


def training_sizes(pool: int) -> list[int]:
    """List sizes of training sets that double, from 250 or an eighth of all, and end with all of `pool`."""
    first = max(2, min(_FIRST, pool // 2**_STEPS_AT_LEAST))
    doublings = np.log2(pool / first)
    return [*(first * 2**step for step in range(round(doublings))), pool]


def extrapolate(
    n: Floats, measured: Floats, drawn: Floats, chance: float, times: Sequence[float] = _TIMES
) -> list[tuple[float, float, float]]:
    """Extrapolate a learning curve.

    Args:
        n: (S,) ascending numbers of training samples.
        measured: (S,) balanced accuracies.
        drawn: (R, S) the same for bootstrap draws.
        chance: chance level.
        times: multiples of the largest number to extrapolate to.

    Returns:
        Balanced accuracy and the ends of its 95 % interval for each of `times`.
    """
    curves = (np.concatenate([measured[None], drawn]) - chance) / (1 - chance)
    wanted = n[-1] * np.array(times)
    errors = {form: _held_out_error(form, n, curves[:1]) for form in FORMS}
    form = min(FORMS, key=lambda one: errors[one])
    predicted = {one: fit_curves(one, n, curves).predict(wanted) for one in FORMS}
    pooled = np.concatenate([predicted[one][1:] for one in FORMS])
    found = []
    for place, value in enumerate(predicted[form][0]):
        low, high = percentile_interval(pooled[:, place])
        ends = min(low, value) - errors[form], max(high, value) + errors[form]
        middle, low, high = (chance + (1 - chance) * float(np.clip(u, 0, 1)) for u in (value, *ends))
        found.append((middle, low, high))
    return found


def _held_out_error(form: Form, n: Floats, curve: Floats) -> float:
    """Fit all but the largest size, and return the error at the largest."""
    fit: Fit = fit_curves(form, n[:-1], curve[:, :-1])
    return float(abs(fit.predict(n[-1:]) - curve[:, -1:])[0, 0])


def predict(attacker: Learner, known: AuditedSamples, train: Ints, test: Ints, seed: int) -> Ints:
    """Predict the classes (M,) of the test rows; from training rows of one class, that class.

    Args:
        attacker: one of a learning curve.
        known: N samples.
        train: training rows.
        test: (M,) rows to predict.
        seed: seed of the attacker.
    """
    label = known.label[train]
    if (label == label[0]).all():
        return np.full(len(test), label[0])
    x, x_test = known.embedding[train], known.embedding[test]
    if attacker == "kernel_rbf":
        return KernelProbe(x, x_test, "rbf").predict(label[None])[0]
    x, x_test = standardise(x, x_test)
    return attack(attacker, x, label, x_test, [TABLE[attacker].default], seed)[0]


def _readings(times: Floats, correct: Floats, known: AuditedSamples) -> Floats:
    """Compute balanced accuracies (R, S) from how often each subject counts (R, P) and `correct` (S, N)."""
    classes = int(known.label.max()) + 1
    cell = known.subjects * classes + known.label
    shape = (times.shape[1], classes)
    trials = times @ np.bincount(cell, minlength=shape[0] * classes).reshape(shape)
    found = []
    for right in correct:
        hits = times @ np.bincount(cell, right, minlength=shape[0] * classes).reshape(shape)
        recall = np.divide(hits, trials, out=np.full(hits.shape, np.nan), where=trials > 0)
        found.append(np.nanmean(recall, axis=1))  # a draw may lack a class
    return np.stack(found, axis=1)
