"""The classifiers that are trained on top of a representation."""

import math
from typing import Literal, get_args

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from evaluation.probes.probe_families import HIDDEN
from evaluation.samples.arrays import Floats, Ints

Head = Literal["mlp", "linear"]
HEADS: tuple[Head, ...] = get_args(Head)

_BATCH, _EPOCHS, _UPDATES = 128, 10, 200  # of the MLP: at least so many epochs, and so many updates


def head_scores(head: Head, train: Floats, label: Ints, test: Floats, seed: int) -> Floats:
    """Train a binary classifier, and score others.

    Args:
        head: `mlp`, one hidden layer of 1024 ReLU and a sigmoid (thesis, section 4.2; trained with Adam for a
            fixed number of epochs, as the thesis gives none), or `linear`, logistic regression with a weak
            penalty: a strong one shrinks what tells the targets apart more than what the bias adds.
        train: (N, D) standardised embeddings.
        label: (N,) 0 or 1, both present.
        test: (M, D), standardised by the same statistics.
        seed: of the weights and the order of the samples.

    Returns:
        (M,) scores in [0, 1], high for class 1.
    """
    if head == "linear":
        classifier = LogisticRegression(max_iter=1000).fit(train, label)
        return classifier.predict_proba(test)[:, 1]
    size = min(_BATCH, len(train))
    classifier = MLPClassifier((HIDDEN,), alpha=1, batch_size=size, random_state=seed)
    x = train.astype(np.float32)
    for _ in range(max(_EPOCHS, math.ceil(_UPDATES / math.ceil(len(x) / size)))):
        classifier.partial_fit(x, label, classes=[0, 1])
    return classifier.predict_proba(test.astype(np.float32))[:, 1].astype(np.float64)


def best_threshold(score: Floats, target: Ints) -> float:
    """The threshold with the highest balanced accuracy of `score >= threshold`.

    Of the scores and infinity, which rejects all; the lowest of equals.

    Args:
        score: (M,).
        target: (M,) 0 or 1, both present.
    """
    level, index = np.unique(score, return_inverse=True)
    positives, negatives = (np.bincount(index[target == t], minlength=len(level)) for t in (1, 0))
    rejected = (np.r_[0, np.cumsum(c)] / c.sum() for c in (positives, negatives))  # below each threshold
    false_rejection, true_rejection = rejected
    return float(np.r_[level, np.inf][np.argmax(true_rejection - false_rejection)])
