"""Train class matching."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from evaluation.erasers.matching import Matching
from evaluation.erasers.matching_losses import class_discrepancy, identity_loss
from evaluation.erasers.transport_fit import KnownRows, labelled_rows, principal_axes
from evaluation.samples.arrays import Floats, Ints

_RATE, _DECAY, _DROPOUT = 1e-3, 1e-2, 0.2
_PAIRS, _ROWS = 192, 800  # subjects, and samples of all classes together, of a batch
_MIXING = 0.3  # both parameters of the Beta distribution
_FEWEST = 16  # samples of a class, and subjects of several samples


class _Training(NamedTuple):
    """The training data of the network."""

    v: Tensor
    """(N, k) components."""
    label: Tensor
    """(N,) classes."""
    members: list[Ints]
    """Rows of each class."""
    order: Ints
    """Rows of the subjects with several samples, subject by subject."""
    starts: Ints
    """Start of each of these subjects in `order`."""
    counts: Ints
    """Number of its rows there."""
    spread: Tensor
    """(k, k) root of the covariance within subjects."""


def fit_matching(
    x: Floats,
    label: Ints,
    subjects: Ints,
    *,
    dimensions: int = 24,
    weight: float = 1000.0,
    components: int = 128,
    hidden: int = 512,
    steps: int = 1500,
    seed: int = 0,
) -> Matching:
    """Train an encoder in which classes are distributed alike and subjects stay apart.

    Minimises `identity_loss` + weight x `class_discrepancy`, of the outputs as they are plus that of the
    outputs in unit deviation. Two measures against learning the training subjects by heart: noise with the
    covariance of samples of one subject on every input, and convex mixtures of two samples of a class
    (Zhang et al., ICLR 2018) as the samples whose classes are matched. Mixtures that share a sample or a
    subject are alike, which adds a small positive term to the discrepancy. Deterministic on one machine.

    The method is ours; that kernels between classes can hide an attribute is from Louizos et al. (ICLR 2016).

    Args:
        x: (N, D) training embeddings.
        label: (N,) classes, -1 where unknown; such rows decide on the components alone.
        subjects: (N,) subject of each embedding; negative ones are unknown.
        dimensions: number m of outputs, 2 to the number of components.
        weight: of the discrepancy; more of it hides more and costs more identity.
        components: principal components that are encoded; at most as many as the data have.
        hidden: width of the hidden layer.
        steps: training steps.
        seed: of every random choice.

    Raises:
        ValueError: see `known_rows` and `check_settings`; fewer than 16 samples of a class, or subjects with
            two samples; embeddings that are all alike; or a loss or gradient that is not finite.
    """
    check_settings(dimensions, weight, components, hidden, steps)
    rows = labelled_rows(x, label, subjects)
    check_rows(rows)
    mean, axes = principal_axes(x, min(components, *np.shape(x)))
    if dimensions > axes.shape[1]:
        raise ValueError(f"{dimensions} dimensions of {axes.shape[1]} components; take fewer dimensions")
    v = (rows.unit - mean) @ axes
    if not (size := float(np.sqrt(np.square(v).mean()))) > 0:
        raise ValueError("the embeddings are all alike, so there is nothing to encode")
    scale = 1 / size
    training = _prepare(scale * v, rows)
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(seed)
        out, direct = nn.Linear(hidden, dimensions), nn.Linear(v.shape[1], dimensions, bias=False)
        network = nn.Sequential(nn.Linear(v.shape[1], hidden), nn.GELU(), nn.Dropout(_DROPOUT), out)
        nn.init.zeros_(out.weight)  # starts as the leading components
        nn.init.zeros_(out.bias)
        nn.init.eye_(direct.weight)
        _train(network, direct, training, weight, steps, np.random.default_rng(seed))
    arrays = [parameter.detach().numpy() for layer in (direct, network) for parameter in layer.parameters()]
    return Matching(mean, axes, scale, *arrays)


def check_settings(dimensions: int, weight: float, components: int, hidden: int, steps: int) -> None:
    """Raise ValueError for settings of `fit_matching` that are no numbers of their kind, or too small."""
    numbers = {"dimensions": dimensions, "components": components, "hidden": hidden, "steps": steps}
    for name, value in numbers.items():
        least = 2 if name == "dimensions" else 1
        if not isinstance(value, int | np.integer) or value < least:
            raise ValueError(f"{name} must be a whole number of at least {least}, not {value!r}")
    if not isinstance(weight, int | float | np.number) or not 0 < weight < np.inf:
        raise ValueError(f"weight must be a positive number, not {weight!r}")


def check_rows(rows: KnownRows) -> None:
    """Raise ValueError for fewer than 16 samples of a class, or subjects with two samples."""
    sizes = zip(rows.names, np.bincount(rows.label), strict=True)
    if small := [f"{name} ({count})" for name, count in sizes if count < _FEWEST]:
        raise ValueError(
            f"matching needs {_FEWEST} samples of each class, and there are fewer of class {', '.join(small)}"
        )
    if (pairs := int((np.unique(rows.subjects, return_counts=True)[1] > 1).sum())) < _FEWEST:
        raise ValueError(
            f"matching needs {_FEWEST} subjects with two samples or more, and there are {pairs}; "
            "give the subjects"
        )


def _prepare(v: Floats, rows: KnownRows) -> _Training:
    """Index classes and subjects."""
    members = [np.flatnonzero(rows.label == c) for c in range(len(rows.names))]
    _, number, size = np.unique(rows.subjects, return_inverse=True, return_counts=True)
    order = np.argsort(number, kind="stable")
    order = order[size[number[order]] > 1]
    counts = size[size > 1]
    starts = np.cumsum(counts) - counts
    inner = v[order] - (np.add.reduceat(v[order], starts) / counts[:, None]).repeat(counts, axis=0)
    size_of, direction = np.linalg.eigh(inner.T @ inner / (len(order) - len(counts)))
    spread = np.sqrt(size_of.clip(0))[:, None] * direction.T
    tensors = torch.from_numpy(v).float(), torch.from_numpy(rows.label)
    return _Training(*tensors, members, order, starts, counts, torch.from_numpy(spread).float())


def _train(
    network: nn.Module,
    direct: nn.Module,
    training: _Training,
    weight: float,
    steps: int,
    rng: np.random.Generator,
) -> None:
    parameters = [*network.parameters(), *direct.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=_RATE, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    classes = len(training.members)
    for step in range(steps):
        pairs = _draw_pairs(training, rng)
        mixed, label = _draw_mixtures(training, rng)
        inputs = torch.cat([training.v[pairs], mixed])
        inputs = inputs + torch.randn_like(inputs) @ training.spread
        z = nn.functional.normalize(direct(inputs) + network(inputs), dim=1)
        own, z = z[: len(pairs)], z[len(pairs) :]
        standard = (z - z.mean(0)) / z.std(0)
        discrepancy = sum(class_discrepancy(part, label, classes) for part in (z, standard))
        loss = identity_loss(own, training.label[pairs]) + weight * discrepancy
        optimizer.zero_grad()
        loss.backward()
        squared = [x.grad.square().sum() for x in parameters if x.grad is not None]  # by which Adam divides
        if not torch.isfinite(loss + torch.stack(squared).sum()):
            raise ValueError(
                f"the loss of matching or its gradient is not finite at step {step}; take a smaller weight"
            )
        optimizer.step()
        schedule.step()


def _draw_pairs(training: _Training, rng: np.random.Generator) -> Tensor:
    """Draw two samples of each of at most 192 subjects, one after the other: rows (2 P,)."""
    whose = rng.permutation(len(training.counts))[:_PAIRS]
    counts = training.counts[whose]
    first = rng.integers(counts)
    second = (first + 1 + rng.integers(counts - 1)) % counts
    places = training.starts[whose] + np.stack([first, second])
    return torch.from_numpy(training.order[places.T.ravel()])


def _draw_mixtures(training: _Training, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Mix samples with others of their class, equally many of each: inputs (M, k) and classes (M,)."""
    most = max(_FEWEST, _ROWS // len(training.members))
    first = [rng.permutation(own)[:most] for own in training.members]
    second = np.concatenate([rng.permutation(own) for own in first])
    rows = torch.from_numpy(np.concatenate(first))
    share = torch.from_numpy(rng.beta(_MIXING, _MIXING, (len(rows), 1))).float()
    return share * training.v[rows] + (1 - share) * training.v[second], training.label[rows]
