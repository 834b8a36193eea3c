"""Leakage by cross-fitting: every subject is tested once by attackers that learned from the others.

This is the estimate of an audit. `held_out_leakage` is the cheaper one that callbacks use during a training.
"""

from collections.abc import Mapping, Sequence
from math import nan
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.progress import track

from evaluation.leakage.accuracies import accuracies
from evaluation.leakage.cross_fitting import cross_fit, min_subjects_per_class
from evaluation.probes.attacker_table import ATTACKERS, Setting, describe_settings, scalings_of
from evaluation.probes.standardise import SCALINGS, Scaling
from evaluation.probes.user_estimator import check_attackers
from evaluation.samples.arrays import Ints
from evaluation.samples.audited_samples import AuditedSamples, reindex
from evaluation.samples.labelled_samples import Samples, known_samples, subjects_of
from evaluation.samples.subject_folds import subject_folds


class LeakageReadings(NamedTuple):
    """Readings of R attackers and scalings, of the same samples."""

    table: pd.DataFrame
    """R rows, see `cross_fitted_leakage`."""
    correct: NDArray[np.float32]
    """(R, N) share of the repeats in which each tested sample of known class was predicted correctly."""
    settings: dict[tuple[str, Scaling], list[Setting]]
    """Settings that were used in each fold of each repeat, by attacker and scaling."""


UNSEEN, ALSO_TRAINING, UNSEEN_CROWD = "unseen", "also training", "unseen crowd"
"""Subjects that attackers learn from: the attacked ones of the other folds, or all training
subjects as well, or those training subjects that the representation has not learned from."""


def cross_fitted_leakage(
    samples: Samples,
    *,
    attackers: Sequence[str] = ATTACKERS,
    scalings: Sequence[Scaling] = SCALINGS,
    folds: int = 5,
    repeats: int = 1,
    tune: bool = True,
    extra: Samples | None = None,
    max_samples: int = 5000,
    seed: int = 0,
    progress: bool = False,
    settings: Mapping[tuple[str, Scaling], list[Setting]] | None = None,
) -> LeakageReadings:
    """Measure how well several attackers predict an attribute of subjects they have not learned from.

    The folds have nearly equal numbers of samples of each class, as far as the subjects allow it. A leak
    that one scaling reads and another does not is hidden by the scale of features or rows.

    Args:
        samples: of one representation and one attribute. An unknown subject is one of its own.
        attackers: linear (logistic regression), mlp (the thesis'), rbf_svm, forest, knn, boosting (of trees),
            qda and svm_pca (on whitened principal components), average (of their scores), similarity (to
            labelled samples), or class paths of scikit-learn estimators.
        scalings: how the embeddings are scaled, by the statistics of the training samples; see `scale_rows`.
            Trees take only `robust` and `unit` of them, as the others differ in nothing that trees see.
        folds: number of groups of subjects.
        repeats: number of random divisions into folds; the accuracies are means over them. Of one division,
            the intervals are conditional on the trained attackers; of several, they also cover the spread
            over divisions.
        tune: choose the attackers' settings by cross-validation over the training subjects; see `cross_fit`.
            Scalings with features of unit variance share the settings chosen on the first of them, robust
            ones if asked for; raw embeddings have their own.
        extra: further training samples for every fold, except those of its test subjects; they are never
            tested. Samples of classes that `samples` lacks are left out.
        max_samples: training samples of the attackers whose time grows fast (SVMs, trees, kernel_linear);
            kernel_rbf learns from twice as many.
        seed: seed of every random choice, so the same call returns the same readings.
        progress: show a progress bar.
        settings: those of other readings of the same samples, folds and repeats, which are then not chosen
            again: what is tuned on the subjects of `samples` serves with `extra` ones, too.

    Returns:
        The predictions that were correct, the settings, and a table with one row for each attacker and
        scaling: `attacker`, `scaling`; the columns of `accuracies`; `spread`, the standard deviation of the
        balanced accuracy over repeats (nan of one); `n` tested samples, of `people` subjects; `n_train`, the
        mean number of training samples; the chosen `settings` and in how many folds; `learned_from`, `unseen`
        or `also training`.

    Raises:
        ValueError: embeddings that are not finite, shapes that do not match, fewer than two classes, a class
            with fewer subjects than folds, or an option out of range.
    """
    _check(attackers, scalings, folds, repeats, max_samples)
    every, tested = _together(samples, extra)
    label, subjects = every.label[:tested], every.subjects[:tested]
    splits = [split for repeat in range(repeats) for split in _splits(every, tested, folds, seed + repeat)]
    rows, corrects, used = [], [], {}
    jobs = [(name, scaling) for name in attackers for scaling in _tuned_first(scalings_of(name, scalings))]
    given = settings or {}
    shared = {name: chosen for (name, scaling), chosen in given.items() if scaling != "raw"}
    for attacker, scaling in track(jobs, description="attacking", disable=not progress):
        chosen = given.get((attacker, scaling)) or (None if scaling == "raw" else shared.get(attacker))
        found = cross_fit(
            attacker, scaling, every, splits, tune=tune, max_samples=max_samples, seed=seed, settings=chosen
        )
        used[attacker, scaling] = found.settings
        if scaling != "raw":
            shared.setdefault(attacker, found.settings)
        right = np.zeros((repeats, tested), np.float32)
        for i, ((_, test), prediction) in enumerate(zip(splits, found.predictions, strict=True)):
            right[i // folds, test] = prediction == label[test]
        spread = retraining_spread(right, label)
        corrects.append(right.mean(0))
        rows.append(
            {"attacker": attacker, "scaling": scaling}
            | accuracies(corrects[-1], label, subjects, np.nan_to_num(spread))
            | {"spread": spread}
            | {"n": tested, "people": len(np.unique(subjects))}
            | {"n_train": round(found.n_train), "settings": describe_settings(found.settings)}
            | {"learned_from": UNSEEN if extra is None else ALSO_TRAINING}
        )
    return LeakageReadings(pd.DataFrame(rows), np.stack(corrects), used)


def retraining_spread(right: np.ndarray, label: Ints) -> float:
    """Compute the standard deviation over repeats of the balanced accuracy; nan of one repeat.

    Args:
        right: (K, N) bool, of K repeats, whether each sample was predicted correctly.
        label: (N,) classes.
    """
    if len(right) < 2:
        return nan
    score = np.mean([right[:, label == c].mean(1) for c in np.unique(label)], axis=0)
    return float(score.std(ddof=1))


def _tuned_first(scalings: Sequence[Scaling]) -> list[Scaling]:
    """Put the scaling first on which the settings of those with features of unit variance are tuned."""
    return sorted(scalings, key=lambda scaling: scaling != "robust")


def _check(
    attackers: Sequence[str], scalings: Sequence[str], folds: int, repeats: int, max_samples: int
) -> None:
    check_attackers(attackers)
    if not scalings or set(scalings) - set(SCALINGS) or len(set(scalings)) < len(scalings):
        raise ValueError(f"scalings are some of {', '.join(SCALINGS)}, each once; these are {list(scalings)}")
    for name, value, least in (("folds", folds, 2), ("repeats", repeats, 1), ("max_samples", max_samples, 2)):
        if value < least:
            raise ValueError(f"{name} is {value}; it must be {least} or more")


def _together(samples: Samples, extra: Samples | None) -> tuple[AuditedSamples, int]:
    """Join the samples of known class and the extra ones after them; also return the number of the former."""
    known = known_samples(samples, "attacked")
    parts = [known]
    if extra is not None:
        if np.ndim(extra.embedding) != 2 or extra.embedding.shape[1] != known.embedding.shape[1]:
            shapes = f"{np.shape(extra.embedding)} and {known.embedding.shape}"
            raise ValueError(f"extra and attacked embeddings must be as wide as each other: {shapes}")
        # a class without tested samples could only cause wrong predictions
        label = np.where(np.isin(extra.label, known.label), extra.label, -1)
        parts.append(known_samples(extra._replace(label=label), "extra"))
    identity = [np.full(len(p.label), -1) if p.identity is None else p.identity for p in parts]
    joined = Samples(
        np.concatenate([p.embedding for p in parts]),
        np.concatenate([p.label for p in parts]),
        np.concatenate(identity),
    )
    subjects = reindex(subjects_of(joined))
    return AuditedSamples(joined.embedding, reindex(joined.label), subjects), len(known.label)


def _splits(every: AuditedSamples, tested: int, folds: int, seed: int) -> list[tuple[Ints, Ints]]:
    """Return training rows and test rows of each fold; no subject is in both."""
    label, subjects = every.label[:tested], every.subjects[:tested]
    if (fewest := min_subjects_per_class(label, subjects)) < folds:
        raise ValueError(
            f"a class of the attribute has {fewest} people, too few for {folds} folds: "
            "ask for fewer, or set the class to unknown (-1)"
        )
    extra = np.arange(tested, len(every.label))
    found = []
    for train, test in subject_folds(label, subjects, folds, seed):
        if len(np.unique(label[train])) < label.max() + 1:
            raise ValueError(f"all people of a class fell into one of {folds} folds; ask for more folds")
        others = extra[~np.isin(every.subjects[extra], subjects[test])]
        found.append((np.concatenate([train, others]), test))
    return found
