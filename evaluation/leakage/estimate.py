"""How much of an attribute several attackers read from embeddings of people they have not learned from."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import pandas as pd
from rich.progress import track

from evaluation.leakage.cross_fitting import cross_fit, fewest_people
from evaluation.leakage.held_out import accuracies
from evaluation.probes.attacker_grids import ATTACKERS, SCALINGS, Attacker, Scaling, in_words
from evaluation.samples.arrays import Ints
from evaluation.samples.audited_samples import AuditedSamples, numbered
from evaluation.samples.labelled_samples import Samples, known_samples, subjects_of
from evaluation.samples.subject_folds import people_folds

UNSEEN, ALSO_TRAINING = "unseen", "also training"
"""People whom attackers learn from: those that are attacked, in other folds, or the extra ones as well."""


def leakage(
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
    """Attack embeddings: everybody's attribute is read by what was learned from others.

    The people are dealt into folds with as many samples of each class as their people allow. The raw rows are
    a diagnosis: what an attacker reads of the standardised embeddings only is there, but on a small scale.

    Args:
        samples: of one representation and one attribute. Samples of unknown people are a person each.
        attackers: linear (logistic regression), mlp (the thesis'), rbf_svm, forest, knn, boosting (of trees).
        scalings: standardised by the statistics of what is learned from, or raw.
        folds: groups of people.
        repeats: how often the people are dealt into folds anew; the shares are means over the repeats.
        tune: choose the attackers' settings by cross-validation, by people too, among those learned from; see
            `cross_fitting.cross_fit`.
        extra: samples that are learned from in every fold, but for those of people in the fold that is read,
            and never read themselves; those of classes that are not in `samples` are left out.
        max_samples: training samples of the attackers whose time grows fast: rbf_svm, forest, boosting.
        seed: of every draw, so the same call gives the same table.
        progress: show a progress bar.

    Returns:
        One row an attacker and scaling: `attacker`, `scaling`; `accuracy` and its `majority` (share of
        the largest class, what a constant gets); `balanced_accuracy` (mean of the recalls), the `low` and
        `high` ends of its 95 % interval, from drawing people anew, and its `chance` (1 / classes), all in
        [0, 1]; `n` samples read, of so many `people`; `n_train` learned from, the mean of the folds;
        the `settings` that were chosen, and in how many folds; `learned_from`, `unseen` or `also training`.

    Raises:
        ValueError: embeddings that are not finite, shapes that do not match, fewer than two classes, a class
            of fewer people than folds, or an option out of range.
    """
    _check(attackers, scalings, folds, repeats, max_samples)
    every, tested = _together(samples, extra)
    label, people = every.label[:tested], every.people[:tested]
    splits = [split for repeat in range(repeats) for split in _splits(every, tested, folds, seed + repeat)]
    rows = []
    jobs = list(product(scalings, attackers))
    for scaling, attacker in track(jobs, description="attacking", disable=not progress):
        found = cross_fit(attacker, scaling, every, splits, tune=tune, max_samples=max_samples, seed=seed)
        correct = np.zeros(tested)
        for (_, test), prediction in zip(splits, found.predictions, strict=True):
            correct[test] += (prediction == label[test]) / repeats
        rows.append(
            {"attacker": attacker, "scaling": scaling}
            | accuracies(correct, label, people, seed)
            | {"n": tested, "people": len(np.unique(people))}
            | {"n_train": round(found.n_train), "settings": in_words(found.settings)}
            | {"learned_from": UNSEEN if extra is None else ALSO_TRAINING}
        )
    return pd.DataFrame(rows)


def strongest_attacker(table: pd.DataFrame) -> pd.Series:
    """The row of `leakage` with the highest balanced accuracy of the standardised ones, the first of equals.

    Picked by what it read, so where there is nothing it lies above chance by the luck of the best of several.

    Raises:
        ValueError: no row is standardised.
    """
    fair = table[table["scaling"] == "standardised"]
    if fair.empty:
        raise ValueError("the strongest attacker is one of the standardised rows, and there are none")
    return fair.iloc[int(fair["balanced_accuracy"].argmax())]


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
    """The samples of known class and after them the extra ones, and how many are not extra."""
    known = known_samples(samples, "attacked")
    parts = [known]
    if extra is not None:
        if np.ndim(extra.embedding) != 2 or extra.embedding.shape[1] != known.embedding.shape[1]:
            shapes = f"{np.shape(extra.embedding)} and {known.embedding.shape}"
            raise ValueError(f"extra and attacked embeddings must be as wide as each other: {shapes}")
        # a class that nobody is attacked for would only be a wrong answer more
        label = np.where(np.isin(extra.label, known.label), extra.label, -1)
        parts.append(known_samples(extra._replace(label=label), "extra"))
    identity = [np.full(len(p.label), -1) if p.identity is None else p.identity for p in parts]
    joined = Samples(
        np.concatenate([p.embedding for p in parts]),
        np.concatenate([p.label for p in parts]),
        np.concatenate(identity),
    )
    people = numbered(subjects_of(joined))
    return AuditedSamples(joined.embedding, numbered(joined.label), people), len(known.label)


def _splits(every: AuditedSamples, tested: int, folds: int, seed: int) -> list[tuple[Ints, Ints]]:
    """Rows to learn from and rows to read of each fold; nobody is in both."""
    label, people = every.label[:tested], every.people[:tested]
    if (fewest := fewest_people(label, people)) < folds:
        raise ValueError(
            f"a class of the attribute has {fewest} people, too few for {folds} folds: "
            "ask for fewer, or set the class to unknown (-1)"
        )
    extra = np.arange(tested, len(every.label))
    found = []
    for train, test in people_folds(label, people, folds, seed):
        if len(np.unique(label[train])) < label.max() + 1:
            raise ValueError(f"all people of a class fell into one of {folds} folds; ask for more folds")
        others = extra[~np.isin(every.people[extra], people[test])]
        found.append((np.concatenate([train, others]), test))
    return found
