"""Leakage by cross-fitting: every subject is tested once by attackers that learned from the others.

This is the estimate of an audit. `held_out_leakage` is the cheaper one that callbacks use during a training.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from rich.progress import track

from evaluation.leakage.accuracies import accuracies, strongest
from evaluation.leakage.cross_fitting import cross_fit, min_subjects_per_class
from evaluation.probes.attacker_table import ATTACKERS, Attacker, describe_settings, scalings_of
from evaluation.probes.standardise import SCALINGS, Scaling
from evaluation.samples.arrays import Ints
from evaluation.samples.audited_samples import AuditedSamples, reindex
from evaluation.samples.labelled_samples import Samples, known_samples, subjects_of
from evaluation.samples.subject_folds import subject_folds

UNSEEN, ALSO_TRAINING = "unseen", "also training"
"""Subjects that attackers learn from: the attacked ones of the other folds, or the extra ones as well."""


def cross_fitted_leakage(
    samples: Samples,
    *,
    attackers: Sequence[Attacker] = ATTACKERS,
    scalings: Sequence[Scaling] = SCALINGS,
    folds: int = 5,
    repeats: int = 1,
    tune: bool = True,
    extra: Samples | None = None,
    max_samples: int = 5000,
    seed: int = 0,
    progress: bool = False,
) -> pd.DataFrame:
    """Measure how well several attackers predict an attribute of subjects they have not learned from.

    The folds have nearly equal numbers of samples of each class, as far as the subjects allow it. A leak
    that one scaling reads and another does not is hidden by the scale of features or rows.

    Args:
        samples: of one representation and one attribute. An unknown subject is one of its own.
        attackers: linear (logistic regression), mlp (the thesis'), rbf_svm, forest, knn, boosting (of trees).
        scalings: how the embeddings are scaled, by the statistics of the training samples; see `scale_rows`.
            Trees take only `robust` and `unit` of them, as the others differ in nothing that trees see.
        folds: number of groups of subjects.
        repeats: number of random divisions into folds; the accuracies are means over them.
        tune: choose the attackers' settings by cross-validation over the training subjects; see `cross_fit`.
        extra: further training samples for every fold, except those of its test subjects; they are never
            tested. Samples of classes that `samples` lacks are left out.
        max_samples: training samples of rbf_svm, forest and boosting, whose time grows fast.
        seed: seed of every random choice, so the same call returns the same table.
        progress: show a progress bar.

    Returns:
        One row for each attacker and scaling: `attacker`, `scaling`; the columns of `accuracies`; `n` tested
        samples, of `people` subjects; `n_train`, the mean number of training samples; the chosen `settings`
        and in how many folds; `learned_from`, `unseen` or `also training`.

    Raises:
        ValueError: embeddings that are not finite, shapes that do not match, fewer than two classes, a class
            with fewer subjects than folds, or an option out of range.
    """
    _check(attackers, scalings, folds, repeats, max_samples)
    every, tested = _together(samples, extra)
    label, subjects = every.label[:tested], every.subjects[:tested]
    splits = [split for repeat in range(repeats) for split in _splits(every, tested, folds, seed + repeat)]
    rows = []
    jobs = [(scaling, name) for name in attackers for scaling in scalings_of(name, scalings)]
    for scaling, attacker in track(jobs, description="attacking", disable=not progress):
        found = cross_fit(attacker, scaling, every, splits, tune=tune, max_samples=max_samples, seed=seed)
        correct = np.zeros(tested)
        for (_, test), prediction in zip(splits, found.predictions, strict=True):
            correct[test] += (prediction == label[test]) / repeats
        rows.append(
            {"attacker": attacker, "scaling": scaling}
            | accuracies(correct, label, subjects, seed)
            | {"n": tested, "people": len(np.unique(subjects))}
            | {"n_train": round(found.n_train), "settings": describe_settings(found.settings)}
            | {"learned_from": UNSEEN if extra is None else ALSO_TRAINING}
        )
    return pd.DataFrame(rows)


def strongest_attacker(table: pd.DataFrame) -> pd.Series:
    """Return the row of the strongest attacker on standardised embeddings, see `accuracies.strongest`.

    Args:
        table: rows of `cross_fitted_leakage`.

    Raises:
        ValueError: no row is standardised.
    """
    standardised = table[table["scaling"] == "standardised"]
    if standardised.empty:
        raise ValueError("the strongest attacker is one of the standardised rows, and there are none")
    return strongest(standardised)


def _check(
    attackers: Sequence[str], scalings: Sequence[str], folds: int, repeats: int, max_samples: int
) -> None:
    for name, given, known in (("attackers", attackers, ATTACKERS), ("scalings", scalings, SCALINGS)):
        if not given or set(given) - set(known) or len(set(given)) < len(given):
            raise ValueError(f"{name} are some of {', '.join(known)}, each once; these are {list(given)}")
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
