"""The protocols of Labeled Faces in the Wild (Huang et al., 2007) on pairs of rows of an embedding.

A pair is accepted when its score is at least the threshold. A pair with a row of -1, an image without an
embedding (no face was found), is not used to choose a threshold and counts as an error in every accuracy; AUC
and EER are of the scored pairs.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from evaluation.samples.arrays import Floats, Ints
from evaluation.verification.error_rates import auc, count_errors, eer
from evaluation.verification.pair_tiles import Metric, unit_rows


class PairRows(NamedTuple):
    """Pairs of rows of an embedding."""

    first: Ints
    """(n,) rows, -1 where there is no embedding."""
    second: Ints
    """(n,) the other rows."""
    same: np.ndarray
    """(n,) bool, whether both show one subject."""
    fold: Ints
    """(n,) fold of the pair; not used by View 1."""


class View1(NamedTuple):
    """Result of `lfw_view1`."""

    accuracy: float
    """Of the test pairs, in [0, 1]."""
    threshold: float
    """Chosen on the training pairs."""
    auc: float
    """Of the test pairs; nan if one kind of pair is missing, and so for the EER."""
    eer: float
    """Of the test pairs."""
    pairs: int
    """Test pairs."""
    missing: int
    """Test pairs without a score."""


class View2(NamedTuple):
    """Result of `lfw_view2`."""

    accuracy: float
    """Mean over the folds, in [0, 1]."""
    standard_error: float
    """Of that mean: the standard deviation of the folds (divisor k - 1) by the root of their number k."""
    auc: float
    """Of the pairs of all folds together; nan if one kind of pair is missing, and so for the EER."""
    eer: float
    """Of the pairs of all folds together."""
    accuracies: Floats
    """(k,) of each fold."""
    thresholds: Floats
    """(k,) chosen on the other folds."""
    pairs: int
    """Pairs of all folds."""
    missing: int
    """Pairs without a score."""


def lfw_view1(
    embedding: ArrayLike | Tensor, train: PairRows, test: PairRows, metric: Metric = "cosine"
) -> View1:
    """Evaluate View 1, for development: the threshold of pairsDevTrain is applied to pairsDevTest.

    Args:
        embedding: (N, D).
        train: pairs that the threshold is chosen on.
        test: pairs that are classified.
        metric: `cosine`, or `euclidean` as in the thesis (section 4.1).

    Raises:
        ValueError: rows out of range, no scored training pair, or embeddings without a score.
    """
    threshold = best_threshold(*_scored(listed_scores(embedding, train, metric), train.same))
    score = listed_scores(embedding, test, metric)
    missing = int(np.isnan(score).sum())
    errors = _errors(score, test.same)
    return View1(_accuracy(score, test.same, threshold), threshold, *errors, len(score), missing)


def lfw_view2(embedding: ArrayLike | Tensor, pairs: PairRows, metric: Metric = "cosine") -> View2:
    """Evaluate View 2, for reporting: each fold is classified by the threshold of all the others.

    Args:
        embedding: (N, D).
        pairs: pairs of at least two folds.
        metric: cosine or minus the Euclidean distance.

    Raises:
        ValueError: a single fold, rows out of range, or embeddings without a score.
    """
    score, fold = listed_scores(embedding, pairs, metric), np.asarray(pairs.fold)
    folds = np.unique(fold)
    if len(folds) < 2:
        raise ValueError(f"View 2 takes two folds or more, the pairs have {len(folds)}")
    same = np.asarray(pairs.same, bool)
    thresholds = [best_threshold(*_scored(score[fold != k], same[fold != k])) for k in folds]
    accuracies = np.array(
        [_accuracy(score[fold == k], same[fold == k], t) for k, t in zip(folds, thresholds, strict=True)]
    )
    spread = float(accuracies.std(ddof=1) / np.sqrt(len(folds)))
    missing = int(np.isnan(score).sum())
    return View2(
        float(accuracies.mean()),
        spread,
        *_errors(score, same),
        accuracies,
        np.array(thresholds),
        len(score),
        missing,
    )


def listed_scores(embedding: ArrayLike | Tensor, pairs: PairRows, metric: Metric) -> Floats:
    """Compute cosines or minus Euclidean distances (n,) in 64 bits; nan for pairs with a row of -1.

    Raises:
        ValueError: rows out of range, or embeddings of a pair that are not finite, or zero (cosine).
    """
    x = torch.as_tensor(embedding)
    rows = torch.as_tensor(np.stack([pairs.first, pairs.second])).long()
    if rows.numel() and not -1 <= int(rows.min()) <= int(rows.max()) < len(x):
        raise ValueError(f"pairs of rows {int(rows.min())} to {int(rows.max())}, but {len(x)} embeddings")
    known = (rows >= 0).all(0)
    used, place = rows[:, known].unique(return_inverse=True)
    x = x[used].double()
    if not x.isfinite().all():
        raise ValueError("an embedding of a pair is not finite; the model has diverged")
    if metric == "cosine":
        if (x == 0).all(1).any():
            raise ValueError("an embedding of a pair is zero, which has no cosine")
        x = unit_rows(x)
        values = (x[place[0]] * x[place[1]]).sum(1)
    else:
        values = -(x[place[0]] - x[place[1]]).norm(dim=1)
    score = np.full(rows.shape[1], np.nan)
    score[known.numpy()] = values.cpu().numpy()
    return score


def best_threshold(score: Floats, same: np.ndarray) -> float:
    """Choose the threshold with the highest accuracy, in the middle between two scores.

    Of several such places the middle one is taken; accepting everything or nothing counts as a place (the
    lowest score, or just above the highest).

    Raises:
        ValueError: there is no pair.
    """
    if not len(score):
        raise ValueError("no pair has a score to choose a threshold by")
    same = np.asarray(same, bool)
    counts = count_errors(score[same], score[~same], score)
    genuine, impostor = counts.genuine - counts.genuine_below, counts.impostor_below
    correct = np.append(genuine + impostor, counts.impostor)  # the last accepts nothing
    place = np.flatnonzero(correct == correct.max())
    chosen = int(place[(len(place) - 1) // 2])
    if chosen == 0:
        return float(counts.threshold[0])
    if chosen == len(counts.threshold):
        return float(np.nextafter(counts.threshold[-1], np.inf))
    below, at = counts.threshold[chosen - 1 : chosen + 1]
    middle = (below + at) / 2
    return float(middle if below < middle else at)  # neighbours have no number between them


def _scored(score: Floats, same: np.ndarray) -> tuple[Floats, np.ndarray]:
    known = ~np.isnan(score)
    return score[known], np.asarray(same, bool)[known]


def _accuracy(score: Floats, same: np.ndarray, threshold: float) -> float:
    return float(np.mean(((score >= threshold) == same) & ~np.isnan(score)))


def _errors(score: Floats, same: np.ndarray) -> tuple[float, float]:
    """Compute AUC and EER of the scored pairs."""
    score, same = _scored(score, same)
    counts = count_errors(score[same], score[~same])
    return auc(counts), eer(counts)
