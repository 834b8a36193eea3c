"""The attackers: four kinds of classifier that read an attribute from embeddings they were not trained on.

All of them standardise the embeddings and weigh the classes evenly: without the first, a representation that
collapsed to a tiny scale passes for blind; without the second, so does one whose weak leak a large class
outweighs.
"""

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC
from sklearn.utils.class_weight import compute_sample_weight

from evaluation.samples.arrays import Floats, Ints

Family = Literal["linear", "mlp", "rbf_svm", "forest"]
FAMILIES: tuple[Family, ...] = get_args(Family)

HIDDEN = 1024  # units of the thesis' dense layer (section 3.2)
_BATCH, _UPDATES, _EPOCHS = 128, 4000, (10, 60)  # of the MLP: so many updates, within so many epochs
_KERNEL_ROWS = 4096  # of the test set at once, so that memory does not grow with it


def standardise(train: Floats, test: Floats) -> tuple[Floats, Floats]:
    """Both sets with zero mean and unit deviation in each feature of the training set.

    A feature that is constant in the training set becomes 0 in both: no probe could have learned from it.

    Args:
        train: (N, D) of any scale.
        test: (M, D).
    """
    train, test = np.asarray(train, np.float64), np.asarray(test, np.float64)
    low, extent = train.min(0), np.ptp(train, 0)
    varies = extent > 0
    # to [0, 1] first, where neither the mean of a constant rounds nor the square of a tiny spread underflows
    unit = 1 / np.where(varies, extent, 1)
    train, test = ((x - low) * unit * varies for x in (train, test))
    mean, deviation = train.mean(0), np.where(varies, train.std(0), 1)
    return (train - mean) / deviation, (test - mean) / deviation


def squared_distance(a: Floats, b: Floats) -> Floats:
    """|a_i - b_j|^2, (N, M), by one matrix product of (N, D) and (M, D)."""
    distance = (a * a).sum(1)[:, None] + (b * b).sum(1)
    distance -= 2 * a @ b.T
    return np.maximum(distance, 0, out=distance)


def rbf_kernel(a: Floats, b: Floats, gamma: float) -> Floats:
    """exp(-gamma |a_i - b_j|^2), (N, M), of (N, D) and (M, D)."""
    distance = squared_distance(a, b)
    return np.exp(-gamma * distance, out=distance)


def predict(family: Family, train: Floats, label: Ints, test: Floats, seed: int) -> Ints:
    """Train a probe, and read the attribute of the test set.

    Args:
        family: `linear` logistic regression, `mlp` the thesis' one hidden layer, `rbf_svm` (C = 1, gamma
            "scale") or `forest` of 100 trees.
        train: (N, D) standardised embeddings.
        label: (N,) classes, any integers.
        test: (M, D), standardised by the same statistics.
        seed: of everything drawn.

    Returns:
        (M,) predicted classes.
    """
    if family == "linear":
        probe = LogisticRegression(C=0.01, max_iter=1000, class_weight="balanced")
        return probe.fit(train, label).predict(test)
    if family == "rbf_svm":
        return rbf_svm(train, label, test, [(1.0, 1 / (train.shape[1] * (train.var() or 1.0)))])[0]
    if family == "forest":
        forest = RandomForestClassifier(100, class_weight="balanced", random_state=seed)
        return forest.fit(train, label).predict(test)
    return _predict_mlp(train, label, test, seed)


def rbf_svm(train: Floats, label: Ints, test: Floats, settings: Sequence[tuple[float, float]]) -> list[Ints]:
    """What `SVC(kernel="rbf", class_weight="balanced")` predicts, faster: its own kernel goes pair by pair.

    Args:
        train: (N, D) embeddings; the memory is that of two N x N matrices.
        label: (N,) classes, any integers.
        test: (M, D).
        settings: S pairs of C and gamma.

    Returns:
        S times (M,) predicted classes.
    """
    distance = squared_distance(train, train)
    probes = [
        SVC(C=c, kernel="precomputed", class_weight="balanced").fit(np.exp(-gamma * distance), label)
        for c, gamma in settings
    ]
    found = []
    for block in np.array_split(test, 1 + len(test) // _KERNEL_ROWS):
        distance = squared_distance(block, train)
        answers = zip(probes, settings, strict=True)
        found.append([probe.predict(np.exp(-gamma * distance)) for probe, (_, gamma) in answers])
    return [np.concatenate(parts) for parts in zip(*found, strict=True)]


def _predict_mlp(train: Floats, label: Ints, test: Floats, seed: int) -> Ints:
    """What the MLP predicts after a fixed number of epochs.

    None are held out to stop by: a representation that was trained against probes lets them learn nothing for
    many epochs before it yields, and hides more of the people it was trained on than of others.
    """
    rng = np.random.default_rng(seed)
    weight = compute_sample_weight("balanced", label)
    classes, label = np.unique(label, return_inverse=True)
    x, rows = train.astype(np.float32), np.arange(len(train))
    size = min(_BATCH, len(rows))
    probe = MLPClassifier((HIDDEN,), alpha=1, batch_size=size, random_state=seed)
    for _ in range(int(np.clip(_UPDATES * _BATCH / len(rows), *_EPOCHS))):
        epoch = balanced_epoch(rng.permutation(rows), weight, rng)
        probe.partial_fit(x[epoch], label[epoch], classes=np.arange(len(classes)))
    return classes[probe.predict(test.astype(np.float32))]


def balanced_epoch(rows: Ints, weight: Floats, rng: np.random.Generator) -> Ints:
    """As many rows (N,), each in proportion to `weight[row]`: every row once where the weights are equal."""
    ends = np.cumsum(weight[rows])
    ticks = (np.arange(len(rows)) + rng.random()) * (ends[-1] / len(rows))
    return rng.permutation(rows[np.searchsorted(ends, ticks, side="right").clip(max=len(rows) - 1)])
