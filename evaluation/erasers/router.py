"""The router of a transport: predicts the class of an embedding, out of fold for those it learned from."""

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
from scipy.linalg import cho_factor, cho_solve
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, relu, softmax

from evaluation.erasers.keyed_noise import embedding_contents
from evaluation.erasers.projection import feature_deviation
from evaluation.probes.standardise import rbf_kernel
from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.subject_folds import subject_folds

_RIDGE = 1.0
_HIDDEN, _DROPOUT, _SMOOTHING = 384, 0.2, 0.04  # of two classes, the labels are .98 and .02
_RATE, _DECAY, _BATCH = 2e-3, 1e-2, 256
_ROWS = 1024  # rows routed at once
_DIGEST = 16


@dataclass(frozen=True, eq=False)
class Router:
    """Predict classes by balanced kernel ridge regression plus a multilayer perceptron.

    There is one of both for each of F folds, trained on the subjects of the others. A row of the training
    array gets the scores of the fold that did not learn from its subject, any other row the mean of all.

    Args:
        center: (D,) mean of the training embeddings.
        deviation: (D,) their deviation.
        points: (M, D) float32, standardised training embeddings that the ridge regressions learned from.
        weights: (F, M, C) of the ridge regressions; 0 for rows that a fold did not learn from.
        hidden: (F, H, D) float32, weights of the hidden layer.
        hidden_bias: (F, H) float32.
        out: (F, C, H) float32, weights of the last layer.
        out_bias: (F, C) float32.
        digests: (N, 16) uint8, digests of the training embeddings.
        folds: (N,) fold whose models did not learn from a training embedding.
    """

    center: Floats
    deviation: Floats
    points: np.ndarray
    weights: Floats
    hidden: np.ndarray
    hidden_bias: np.ndarray
    out: np.ndarray
    out_bias: np.ndarray
    digests: np.ndarray
    folds: Ints

    def __post_init__(self) -> None:
        (folds, width), classes = self.hidden_bias.shape, self.out_bias.shape[-1]
        points, features = self.points.shape
        shapes = {
            "center": (features,),
            "deviation": (features,),
            "weights": (folds, points, classes),
            "hidden": (folds, width, features),
            "out": (folds, classes, width),
            "out_bias": (folds, classes),
            "digests": (len(self.folds), _DIGEST),
        }
        if wrong := [name for name, shape in shapes.items() if getattr(self, name).shape != shape]:
            raise ValueError(f"the router's {', '.join(wrong)} do not fit its other arrays")
        if self.folds.dtype != np.int64 or self.digests.dtype != np.uint8:
            raise ValueError("the router's folds and digests must be int64 and uint8")
        if not ((self.folds >= 0) & (self.folds < folds)).all():
            raise ValueError("the router's folds are out of range")

    def __call__(self, u: Floats) -> Ints:
        """Predict the class (N,) of embeddings (N, D) of length 1."""
        return self.scores(u).argmax(1)

    def scores(self, u: Floats) -> Floats:
        """Score the classes, (N, C): the ridge regressions' values plus twice the networks' probabilities.

        For two classes the difference of the scores is twice that of `ridge + tanh(logit / 2)`.
        """
        places = {digest.tobytes(): fold for digest, fold in zip(self.digests, self.folds, strict=True)}
        own = np.array([places.get(digest.tobytes(), -1) for digest in _digests(u)], np.int64)
        points = self.points.astype(np.float64)
        starts = range(0, max(len(u), 1), _ROWS)
        found = [self._block(u[at : at + _ROWS], own[at : at + _ROWS], points) for at in starts]
        return np.concatenate(found)

    def _block(self, u: Floats, own: Ints, points: Floats) -> Floats:
        x = (u - self.center) / self.deviation
        kernel = rbf_kernel(x, points, 1 / x.shape[1])
        ridge = np.stack([kernel @ weights for weights in self.weights])
        layers = zip(self.hidden, self.hidden_bias, self.out, self.out_bias, strict=True)
        inputs = torch.from_numpy(x.astype(np.float32))
        probability = np.stack([_probability(inputs, *map(torch.from_numpy, layer)) for layer in layers])
        scores = ridge + 2 * probability
        return np.where(own[:, None] < 0, scores.mean(0), scores[own, np.arange(len(u))])


def fit_router(
    u: Floats,
    label: Ints,
    subjects: Ints,
    *,
    folds: int = 4,
    steps: int = 1500,
    max_points: int = 10_000,
    seed: int = 0,
) -> Router:
    """Fit a router by cross-fitting over subjects.

    The classes weigh equally. Deterministic on one machine.

    Args:
        u: (N, D) embeddings of length 1.
        label: (N,) classes 0 to C - 1, all of which occur.
        subjects: (N,) subject of each embedding.
        folds: number of folds.
        steps: training steps of each network.
        max_points: rows that the ridge regressions learn from at most, drawn at random; their memory is that
            of a square matrix. The networks learn from all.
        seed: of the folds, the rows drawn and the networks.

    Raises:
        ValueError: fewer subjects than folds, or a class whose subjects are all in one fold.
    """
    center, deviation = u.mean(0), feature_deviation(u)
    x = ((u - center) / deviation).astype(np.float32)
    fold, classes = np.empty(len(u), np.int64), int(label.max()) + 1
    for place, (_, test) in enumerate(subject_folds(label, subjects, folds, seed)):
        fold[test] = place
    for place in range(folds):
        if len(np.unique(label[fold != place])) < classes:
            raise ValueError(
                f"a class has too few subjects for a router of {folds} folds: all of one class's samples "
                "are in one fold"
            )
    chosen = np.sort(np.random.default_rng(seed).permutation(len(u))[:max_points])
    points = x[chosen].astype(np.float64)
    kernel = rbf_kernel(points, points, 1 / x.shape[1])
    weights = np.zeros((folds, len(chosen), classes))
    networks = []
    for place in range(folds):
        rows = np.flatnonzero(fold[chosen] != place)
        weights[place, rows] = _ridge(kernel[np.ix_(rows, rows)], label[chosen[rows]], classes)
        used = fold != place
        networks.append(_train_network(x[used], label[used], classes, steps, seed + place))
    hidden, hidden_bias, out, out_bias = (np.stack(layer) for layer in zip(*networks, strict=True))
    return Router(
        center, deviation, x[chosen], weights, hidden, hidden_bias, out, out_bias, _digests(u), fold
    )  # fmt: skip


def _ridge(kernel: Floats, label: Ints, classes: int) -> Floats:
    """Solve kernel ridge regression on indicators of the classes, whose errors weigh equally by class."""
    target = 2.0 * (label[:, None] == np.arange(classes)) - 2 / classes
    size = np.bincount(label, minlength=classes)
    kernel[np.diag_indices_from(kernel)] += _RIDGE * (size * classes / len(label))[label]
    return np.asarray(cho_solve(cho_factor(kernel, overwrite_a=True), target))


def _train_network(x: np.ndarray, label: Ints, classes: int, steps: int, seed: int) -> list[np.ndarray]:
    """Train a network on batches in which the classes are equally frequent; return its weights."""
    weight = (1 / np.bincount(label, minlength=classes))[label]
    rng = np.random.default_rng(seed)
    rows = torch.from_numpy(rng.choice(len(x), (steps, _BATCH), p=weight / weight.sum()))
    inputs, target = torch.from_numpy(x), torch.from_numpy(label)
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(seed)
        net = nn.Sequential(
            nn.Linear(x.shape[1], _HIDDEN), nn.ReLU(), nn.Dropout(_DROPOUT), nn.Linear(_HIDDEN, classes)
        )
        optimizer = torch.optim.AdamW(net.parameters(), lr=_RATE, weight_decay=_DECAY)
        for batch in rows:
            optimizer.zero_grad()
            cross_entropy(net(inputs[batch]), target[batch], label_smoothing=_SMOOTHING).backward()
            optimizer.step()
    return [parameter.detach().numpy() for parameter in net.parameters()]


def _probability(x: Tensor, hidden: Tensor, hidden_bias: Tensor, out: Tensor, out_bias: Tensor) -> Floats:
    return softmax(relu(x @ hidden.T + hidden_bias) @ out.T + out_bias, 1).double().numpy()


def _digests(u: Floats) -> np.ndarray:
    texts = [hashlib.blake2b(content, digest_size=_DIGEST).digest() for content in embedding_contents(u)]
    return np.frombuffer(b"".join(texts), np.uint8).reshape(len(u), _DIGEST)
