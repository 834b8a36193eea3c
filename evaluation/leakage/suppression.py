"""Leakage after a part of the features was removed (thesis, figure 4.2)."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.metrics import balanced_accuracy_score

from evaluation.probes.kernel_probe import KernelProbe
from evaluation.samples.audited_samples import audited_samples
from evaluation.samples.labelled_samples import Samples
from evaluation.samples.subject_folds import subject_folds

SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
_FOLDS = 5


def suppression(
    samples: Samples,
    shares: Sequence[float] = SHARES,
    draws: int = 5,
    seed: int = 0,
    max_samples: int = 2000,
) -> pd.DataFrame:
    """Remove a random share of the features, train a probe on the rest, and test it on unseen subjects.

    The probe is the RBF `KernelProbe`, for its speed; the strongest attacker may do better. Each draw removes
    the features in one random order, and tests on one of five folds of subjects, in turn; so the spread of
    the draws is that of both.

    Args:
        samples: of one representation and one attribute.
        shares: shares of the features to remove, in [0, 1); at least one feature stays.
        draws: number of random orders of the features.
        seed: seed of orders, folds and the subsample.
        max_samples: with more samples, subjects are drawn at random.

    Returns:
        One row for each draw and share: `share_removed`, `draw`, `features` (number that is left),
        `balanced_accuracy`, `chance`.

    Raises:
        ValueError: a share outside [0, 1), or see `audited_samples`.
    """
    if not all(0 <= share < 1 for share in shares):
        raise ValueError(f"shares of features to leave out must be in [0, 1), got {tuple(shares)}")
    x, label, subjects, _ = audited_samples(samples, _FOLDS, max_samples, seed)
    rng = np.random.default_rng(seed)
    folds = list(subject_folds(label, subjects, _FOLDS, seed))
    rows = []
    for draw in range(draws):
        train, test = folds[draw % _FOLDS]
        order = rng.permutation(x.shape[1])
        for share in shares:
            kept = order[: max(1, len(order) - round(share * len(order)))]
            probe = KernelProbe(x[np.ix_(train, kept)], x[np.ix_(test, kept)], "rbf")
            score = balanced_accuracy_score(label[test], probe.predict(label[None, train])[0])
            rows.append((share, draw, len(kept), score, 1 / (label.max() + 1)))
    columns = ["share_removed", "draw", "features", "balanced_accuracy", "chance"]
    return pd.DataFrame(rows, columns=columns)
