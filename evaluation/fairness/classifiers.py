"""Train classifiers on biased samples of a representation (thesis, section 4.2)."""

import warnings
from typing import NamedTuple

import numpy as np

from evaluation.fairness.downstream_samples import check_attributes, disjoint_rows, draw_biased_rows
from evaluation.fairness.predictions import Predictions
from evaluation.probes.heads import HEADS, Head, head_scores
from evaluation.probes.standardise import standardise
from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.groupings import make_grouping
from evaluation.samples.labelled_samples import unique_unknown_ids
from evaluation.samples.representations import Representations


class Downstream(NamedTuple):
    """Predictions of the classifiers of all draws."""

    val: Predictions
    """For model selection, see `evaluation.fairness.selection`."""
    test: Predictions
    """For the report."""


class _Scored(NamedTuple):
    """Scores of one classifier."""

    rows: Ints
    score: Floats


def downstream(
    representations: Representations,
    representation: str,
    target: str,
    group: str,
    *,
    train_rows: np.ndarray,
    val_rows: np.ndarray,
    test_rows: np.ndarray,
    balance: str | None = None,
    bias: float = 0.7,
    n_train: int | None = None,
    head: Head = "mlp",
    draws: int = 5,
    seed: int = 0,
) -> Downstream:
    """Train classifiers of `target` where `group` is correlated with it, and test them where it is not.

    Each draw has a new biased training sample, new unbiased validation and test samples (see `biased_rows`)
    and new weights. With one seed all representations get the same samples, and all biases the same test
    samples.

    Args:
        representations: embeddings and labels.
        representation: name of the one that the classifiers use, standardised by each training sample.
        target: the binary attribute to predict; class 1 is the positive one.
        group: the binary attribute that the training is biased in.
        train_rows: (M,) int or (N,) bool, rows that training samples are drawn from.
        val_rows: the same for validation samples.
        test_rows: the same for test samples.
        balance: an attribute over which all samples are balanced as well (gender in the thesis).
        bias: share of the training samples with target 1 that are in group 1, and of those with target 0 that
            are in group 0; 0.5 is unbiased, the thesis takes 0.7.
        n_train: training samples of each draw; None takes as many as the cells allow. If they allow fewer,
            those are taken, with a warning; `Predictions.n_train` says how many.
        head: `mlp` or `linear`, see `head_scores`.
        draws: number of classifiers; with one, intervals lack the variance of the training samples and are
            too narrow (see `resampled_rates`).
        seed: seed of every random choice.

    Raises:
        ValueError: an unknown option or unsuitable attribute, embeddings that are not finite, a subject in
            two of the sets, or a cell without samples.
    """
    if head not in HEADS or draws < 1:
        raise ValueError(f"no such classifier: head={head!r}, draws={draws}")
    if representation not in representations.embeddings:
        raise ValueError(
            f"no representation {representation}; there are {', '.join(representations.embeddings)}"
        )
    check_attributes(representations, target, group, balance)
    train_rows, val_rows, test_rows = disjoint_rows(
        representations, training=train_rows, validation=val_rows, test=test_rows
    )
    x, labels = representations.embeddings[representation], representations.labels
    attributes = (target, group, balance)
    val, test = [], []
    for draw in range(draws):
        draw_seed = int(np.random.SeedSequence((seed, draw)).generate_state(1)[0])
        learned = draw_biased_rows(
            "training", labels, train_rows, attributes, draw_seed, bias=bias, n=n_train
        )
        chosen_by = draw_biased_rows("validation", labels, val_rows, attributes, draw_seed)
        tested = draw_biased_rows("test", labels, test_rows, attributes, draw_seed)
        seen, unseen = standardise(x[learned], x[np.concatenate([chosen_by, tested])])
        if not (np.isfinite(seen).all() and np.isfinite(unseen).all()):
            raise ValueError(f"embeddings of {representation} are not finite; the model has diverged")
        score = head_scores(head, seen, labels[target][learned], unseen, draw_seed)
        val_score, test_score = np.split(score, [len(chosen_by)])
        val.append(_Scored(chosen_by, val_score))
        test.append(_Scored(tested, test_score))
    n = len(learned)  # the cells are the same in every draw
    if n_train is not None and n < n_train:
        warnings.warn(f"{n_train} training samples were asked for, a bias of {bias} allows {n}", stacklevel=2)
    return Downstream(*(_predictions(representations, target, group, scored, n) for scored in (val, test)))


def _predictions(
    representations: Representations, target: str, group: str, scored: list[_Scored], n_train: int
) -> Predictions:
    """Join the scores of all draws; `scored` has one entry for each draw."""
    sizes = [len(s.rows) for s in scored]
    rows, score = np.concatenate([s.rows for s in scored]), np.concatenate([s.score for s in scored])
    first, second = make_grouping([group], representations.classes).names
    return Predictions(
        draw=np.repeat(np.arange(len(scored)), sizes),
        subject=unique_unknown_ids(representations.identity)[rows],
        group=representations.labels[group][rows],
        target=representations.labels[target][rows],
        score=score,
        prediction=(score >= 0.5).astype(np.int64),  # as the thesis
        groups=(first, second),
        n_train=n_train,
    )
