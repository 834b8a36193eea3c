"""Probes that say how likely each class is, as sure of themselves as held-out people bear out."""

from collections.abc import Iterator
from typing import Literal, get_args

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from evaluation.probes.probe_families import standardise
from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.subject_folds import people_folds

Family = Literal["linear", "mlp"]
FAMILIES: tuple[Family, ...] = get_args(Family)

_CHOOSERS = 4  # one in so many people chooses how far to fit
_PATIENCE = 6  # steps of a path without a gain before it is left
_FLOOR = 1e-4  # least probability of a class, so that no sample costs more than 13.3 bits
_INVERSE_RIDGES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
_HIDDEN, _BATCH, _BATCHES, _EPOCHS, _RATE, _DECAY = 256, 128, 16, 60, 5e-4, 1.0


def class_shares(label: Ints, classes: int) -> Floats:
    """Probability (classes,) of each class by Laplace's rule: none is impossible for not having been met."""
    count = np.bincount(label, minlength=classes)
    return (count + 1) / (len(label) + classes)


def probabilities(
    family: Family, train: Floats, label: Ints, people: Ints, test: Floats, classes: int, seed: int
) -> Floats:
    """Train a probe and ask it for the probability of each class.

    Both families are paths that begin at `class_shares`, which ignore the embedding, and fit more and more
    closely. A quarter of the people choose by likelihood how far to go, then all are learned from.

    Args:
        family: `linear`, logistic regressions with ever smaller ridges; or `mlp`, the epochs of one with a
            hidden layer of 256 units.
        train: (N, D) of any scale.
        label: (N,) classes 0, 1, ...
        people: (N,) whose the training samples are.
        test: (M, D), standardised by the statistics of `train`.
        classes: K; some may be absent from `label`.
        seed: of everything drawn.

    Returns:
        (M, K), rows sum to 1; `class_shares` where there are too few people or classes to choose by.
    """
    steps = 0
    x, x_test = standardise(train, test)
    if len(np.unique(people)) >= _CHOOSERS:
        learn, choose = next(people_folds(np.zeros_like(label), people, _CHOOSERS, seed))
        if len(np.unique(label[learn])) > 1:
            path = _path(family, x[learn], label[learn], x[choose], classes, seed)
            steps = _best_step(path, label[choose])
    path = _path(family, x, label, x_test, classes, seed)
    found = next(path)
    for _ in range(steps):
        found = next(path)
    return found


def _best_step(path: Iterator[Floats], label: Ints) -> int:
    """The step of a path of probabilities (M, K) that makes labels (M,) likeliest; the first of equals."""
    best, lowest = 0, np.inf
    for step, found in enumerate(path):
        loss = -np.log(found[np.arange(len(label)), label]).mean()
        if loss < lowest:
            best, lowest = step, loss
        if step - best >= _PATIENCE:
            break
    return best


def _path(family: Family, x: Floats, label: Ints, query: Floats, classes: int, seed: int) -> Iterator[Floats]:
    """Probabilities (M, K) for a query (M, D): first the class shares, then of closer and closer fits."""
    shares = class_shares(label, classes)
    yield np.tile(shares, (len(query), 1))
    fits = _logistic(x, label, query, classes) if family == "linear" else _mlp(x, label, query, shares, seed)
    for found in fits:
        yield (1 - classes * _FLOOR) * found + _FLOOR


def _logistic(x: Floats, label: Ints, query: Floats, classes: int) -> Iterator[Floats]:
    for inverse_ridge in _INVERSE_RIDGES:
        probe = LogisticRegression(C=inverse_ridge, max_iter=1000).fit(x, label)
        found = np.zeros((len(query), classes))
        found[:, probe.classes_] = probe.predict_proba(query)
        yield found


def _mlp(x: Floats, label: Ints, query: Floats, shares: Floats, seed: int) -> Iterator[Floats]:
    """The epochs of an MLP whose output starts at the class shares; small sets get smaller batches."""
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        hidden, output = nn.Linear(x.shape[1], _HIDDEN), nn.Linear(_HIDDEN, len(shares))
    net = nn.Sequential(hidden, nn.ReLU(), output)
    nn.init.zeros_(output.weight)
    with torch.no_grad():
        output.bias.copy_(torch.from_numpy(np.log(shares)))
    optimizer = torch.optim.AdamW(net.parameters(), _RATE, weight_decay=_DECAY)
    inputs, asked = (torch.from_numpy(a.astype(np.float32)) for a in (x, query))
    targets = torch.from_numpy(label)
    size = int(np.clip(len(x) // _BATCHES, 1, _BATCH))
    for _ in range(_EPOCHS):
        for rows in torch.randperm(len(x), generator=generator).split(size):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(inputs[rows]), targets[rows]).backward()
            optimizer.step()
        with torch.no_grad():
            yield net(asked).double().softmax(1).numpy()
