"""Probes with calibrated class probabilities."""

from collections.abc import Iterator

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from evaluation.probes.attacker_table import ProbabilityFamily
from evaluation.probes.mlp import BATCH, gradient_step, two_layers
from evaluation.probes.standardise import standardise
from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.subject_folds import subject_folds

_CHOOSERS = 4  # one subject in this many chooses how closely to fit
_PATIENCE = 6  # steps of a path without a gain before the search stops
_FLOOR = 1e-4  # lowest probability of a class, so that no sample costs more than 13.3 bits
_INVERSE_RIDGES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
_HIDDEN, _BATCHES, _EPOCHS, _RATE, _DECAY = 256, 16, 60, 5e-4, 1.0


def class_shares(label: Ints, classes: int) -> Floats:
    """Estimate the class probabilities (classes,) by Laplace's rule: an unseen class is not impossible."""
    count = np.bincount(label, minlength=classes)
    return (count + 1) / (len(label) + classes)


def probabilities(
    family: ProbabilityFamily,
    train: Floats,
    label: Ints,
    subjects: Ints,
    test: Floats,
    classes: int,
    seed: int,
) -> Floats:
    """Train a probe, and predict the probability of each class.

    Both families are paths of ever closer fits that start at `class_shares`, which ignore the embedding. The
    likelihood on a quarter of the subjects chooses the step of the path; then all subjects are learned from.

    Args:
        family: `linear`, logistic regressions with ever smaller ridges; or `mlp`, the epochs of a network
            with a hidden layer of 256 units.
        train: (N, D) of any scale.
        label: (N,) classes 0, 1, ...
        subjects: (N,) subject of each training sample.
        test: (M, D), standardised by the statistics of `train`.
        classes: K; some may be absent from `label`.
        seed: seed of every random choice.

    Returns:
        (M, K), rows sum to 1; `class_shares` if there are too few subjects or classes to choose by.
    """
    steps = 0
    x, x_test = standardise(train, test)
    if len(np.unique(subjects)) >= _CHOOSERS:
        learn, choose = next(subject_folds(np.zeros_like(label), subjects, _CHOOSERS, seed))
        if len(np.unique(label[learn])) > 1:
            path = _path(family, x[learn], label[learn], x[choose], classes, seed)
            steps = _best_step(path, label[choose])
    path = _path(family, x, label, x_test, classes, seed)
    found = next(path)
    for _ in range(steps):
        found = next(path)
    return found


def _best_step(path: Iterator[Floats], label: Ints) -> int:
    """Return the step of a path of probabilities (M, K) with the highest likelihood of labels (M,)."""
    best, lowest = 0, np.inf
    for step, found in enumerate(path):
        loss = -np.log(found[np.arange(len(label)), label]).mean()
        if loss < lowest:
            best, lowest = step, loss
        if step - best >= _PATIENCE:
            break
    return best


def _path(
    family: ProbabilityFamily, x: Floats, label: Ints, query: Floats, classes: int, seed: int
) -> Iterator[Floats]:
    """Yield probabilities (M, K) for a query (M, D): the class shares, then those of ever closer fits."""
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
    """Yield the predictions of each epoch of an MLP that starts at the class shares."""
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = two_layers(x.shape[1], _HIDDEN, len(shares))
    output = net[2]
    assert isinstance(output, nn.Linear)
    nn.init.zeros_(output.weight)
    with torch.no_grad():
        output.bias.copy_(torch.from_numpy(np.log(shares)))
    optimizer = torch.optim.AdamW(net.parameters(), _RATE, weight_decay=_DECAY)
    inputs, asked = (torch.from_numpy(a.astype(np.float32)) for a in (x, query))
    targets = torch.from_numpy(label)
    size = int(np.clip(len(x) // _BATCHES, 1, BATCH))  # small sets get small batches
    for _ in range(_EPOCHS):
        for rows in torch.randperm(len(x), generator=generator).split(size):
            gradient_step(net, optimizer, inputs[rows], targets[rows])
        with torch.no_grad():
            yield net(asked).double().softmax(1).numpy()
