"""Binary classifiers on top of a representation."""

import math
from itertools import repeat
from typing import Literal, get_args

import numpy as np
from sklearn.linear_model import LogisticRegression

from evaluation.probes.mlp import BATCH, fit_mlp
from evaluation.samples.arrays import Floats, Ints

Head = Literal["mlp", "linear"]
HEADS: tuple[Head, ...] = get_args(Head)

_EPOCHS, _UPDATES = 10, 200  # of the MLP: at least this many epochs, and this many updates


def head_scores(head: Head, train: Floats, label: Ints, test: Floats, seed: int) -> Floats:
    """Train a binary classifier, and score the test set.

    Args:
        head: `mlp`, one hidden layer of 1024 ReLUs and a sigmoid (thesis, section 4.2; trained with Adam for
            a fixed number of epochs, as the thesis gives none), or `linear`, logistic regression with a weak
            penalty: a strong one shrinks the effect of the target more than that of the bias.
        train: (N, D) standardised embeddings.
        label: (N,) 0 or 1, both present.
        test: (M, D), standardised by the same statistics.
        seed: seed of the weights and the order of the samples.

    Returns:
        (M,) scores in [0, 1], high for class 1.
    """
    if head == "linear":
        classifier = LogisticRegression(max_iter=1000).fit(train, label)
        return classifier.predict_proba(test)[:, 1]
    steps = math.ceil(len(train) / min(BATCH, len(train)))  # of an epoch
    epochs = repeat(np.arange(len(train)), max(_EPOCHS, math.ceil(_UPDATES / steps)))
    probability = fit_mlp(train, label, epochs, seed).predict_proba(test.astype(np.float32))
    return probability[:, 1].astype(np.float64)
