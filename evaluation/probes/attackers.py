"""What each attacker but the MLP reads of people whom it has not learned from, with all its settings at once.

The classes are weighed evenly, as in `probe_families`. What the settings of an attacker have in common
(distances, neighbours, boosting rounds) is computed once.
"""

import warnings
from collections.abc import Callable, Sequence

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from evaluation.probes.attacker_grids import Attacker, Setting
from evaluation.probes.probe_families import rbf_svm, squared_distance
from evaluation.samples.arrays import Floats, Ints

_NEIGHBOUR_CELLS = 2**25  # distances at once, 256 MiB


def attack(
    attacker: Attacker, train: Floats, label: Ints, test: Floats, settings: Sequence[Setting], seed: int
) -> list[Ints]:
    """Train an attacker with each of some settings, and read the attribute of the test set.

    Args:
        attacker: any of `attacker_grids.ATTACKERS` but `mlp`, whose networks train together in `batched_mlp`.
        train: (N, D) embeddings.
        label: (N,) classes 0, 1, ..., of which two at least are there.
        test: (M, D), scaled as `train` is.
        settings: S points of the attacker's grid.
        seed: of everything drawn.

    Returns:
        S times (M,) predicted classes.
    """
    return _ATTACKS[attacker](train, label, test, settings, seed)


def _linear(train: Floats, label: Ints, test: Floats, settings: Sequence[Setting], seed: int) -> list[Ints]:
    """Logistic regression."""
    found = []
    # threads gain little on products of this size, and lose much where other work takes their cores
    with threadpool_limits(1, user_api="blas"), warnings.catch_warnings():
        # raw features of very different scales: where that gets is what the raw row is to show
        warnings.simplefilter("ignore", ConvergenceWarning)
        for setting in settings:
            probe = LogisticRegression(C=setting["C"], max_iter=1000, class_weight="balanced")
            found.append(probe.fit(train, label).predict(test))
    return found


def _rbf_svm(train: Floats, label: Ints, test: Floats, settings: Sequence[Setting], seed: int) -> list[Ints]:
    return rbf_svm(train, label, test, [(s["C"], s["gamma"] / train.shape[1]) for s in settings])


def _forest(train: Floats, label: Ints, test: Floats, settings: Sequence[Setting], seed: int) -> list[Ints]:
    """100 trees."""
    found = []
    for setting in settings:
        forest = RandomForestClassifier(
            100, min_samples_leaf=int(setting["leaf"]), class_weight="balanced", random_state=seed,
            n_jobs=torch.get_num_threads(),
        )  # fmt: skip
        # one thread adds the votes of the trees up in one order, so the rounding is always the same
        found.append(forest.fit(train, label).set_params(n_jobs=1).predict(test))
    return found


def _knn(train: Floats, label: Ints, test: Floats, settings: Sequence[Setting], seed: int) -> list[Ints]:
    """The most frequent class of the k nearest samples, beside its frequency in all."""
    sizes = np.bincount(label)
    vote = np.diag(np.divide(1, sizes, out=np.zeros(len(sizes)), where=sizes > 0))
    nearest = [min(int(setting["k"]), len(train)) for setting in settings]
    centre = train.mean(0)  # subtracted, so that the products do not lose a small spread beside a large mean
    train, test = train - centre, test - centre
    found: list[list[Ints]] = []
    for block in np.array_split(test, 1 + len(test) * len(train) // _NEIGHBOUR_CELLS):
        distance = torch.from_numpy(squared_distance(block, train))
        neighbours = label[distance.topk(max(nearest), largest=False).indices.numpy()]
        votes = vote[neighbours].cumsum(1)
        found.append([votes[:, k - 1].argmax(1) for k in nearest])
    return [np.concatenate(parts) for parts in zip(*found, strict=True)]


def _boosting(train: Floats, label: Ints, test: Floats, settings: Sequence[Setting], seed: int) -> list[Ints]:
    """Gradient boosting of trees of 15 leaves on 64 bins; 255 read no more and take several times as long."""
    rounds = [int(setting["rounds"]) for setting in settings]
    probe = HistGradientBoostingClassifier(
        max_iter=max(rounds), max_leaf_nodes=15, max_bins=64, early_stopping=False,
        class_weight="balanced", random_state=seed,
    )  # fmt: skip
    stages = list(probe.fit(train, label).staged_predict(test))
    return [stages[count - 1] for count in rounds]


_ATTACKS: dict[Attacker, Callable[[Floats, Ints, Floats, Sequence[Setting], int], list[Ints]]] = {
    "linear": _linear,
    "rbf_svm": _rbf_svm,
    "forest": _forest,
    "knn": _knn,
    "boosting": _boosting,
}
