"""Train many multilayer perceptrons at once: all folds and candidate settings take each step together."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_sample_weight
from torch import Tensor
from torch.nn.functional import cross_entropy

from evaluation.probes.mlp import BATCH, HIDDEN, balanced_epoch
from evaluation.samples.arrays import Ints

LEARNING_RATE = 1e-3
_VISITS, _EPOCHS = 2**17, (10, 60)  # about this many samples seen, within these numbers of epochs
_MIN_UPDATES = 200
_AT_ONCE = 2**27  # weights that train at once: with gradients and moments 2 GiB
_TEST_ROWS = 4096


class Perceptron(NamedTuple):
    """One network to train."""

    train: Ints
    """(n,) training rows."""
    test: Ints
    """(m,) rows to predict."""
    decay: float
    """L2 penalty: half of it times the squared weights is added to the loss."""
    seed: int
    """Seed of the initial weights and of the order of the samples."""


def mlp_predictions(
    x: NDArray[np.float32], label: Ints, networks: Sequence[Perceptron], stops: Sequence[float]
) -> list[list[Ints]]:
    """Train the MLP of the thesis (section 3.2: one layer of 1024 ReLUs, softmax) several times, and predict.

    Training uses Adam, batches of 128 with balanced classes, and no early stopping. All networks take the
    same number of steps, in float32, on the GPU if there is one; training one alone gives the same, to
    rounding.

    Args:
        x: (N, D) scaled embeddings; rows of all networks, which may each be scaled by their own training.
        label: (N,) classes 0, 1, ...
        networks: J networks.
        stops: S ascending shares of the full training, at most 1, after which predictions are made.

    Returns:
        Predicted classes (m,) for each network and each stop.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    inputs = torch.from_numpy(x).to(device)
    steps = [max(1, round(stop * updates([len(network.train) for network in networks]))) for stop in stops]
    size = HIDDEN * (x.shape[1] + 1 + label.max() + 1)
    some = max(1, _AT_ONCE // int(size))
    found: list[list[Ints]] = [[] for _ in networks]
    for decay in {network.decay for network in networks}:
        alike = [i for i, network in enumerate(networks) if network.decay == decay]
        for chosen in (alike[first : first + some] for first in range(0, len(alike), some)):
            stacked = Stacked(inputs, label, [networks[i] for i in chosen])
            stages = [stacked.advance(int(count)) for count in np.diff(steps, prepend=0)]
            for i, stops_of_one in zip(chosen, zip(*stages, strict=True), strict=True):
                found[i] = list(stops_of_one)
    return found


def updates(sizes: Sequence[int]) -> int:
    """Compute the number of steps of the full training from the sizes of the training sets."""
    epochs = np.clip(_VISITS / max(sizes), *_EPOCHS)
    return max(_MIN_UPDATES, round(epochs * max(sizes) / BATCH))


class Stacked:
    """Train J networks as tensors with a leading dimension of J.

    Args:
        inputs: (N, D) float32, on the device to train on.
        label: (N,) classes 0, 1, ...
        networks: J networks of one decay, which Adam adds to the gradients while it has them at hand.
    """

    def __init__(self, inputs: Tensor, label: Ints, networks: Sequence[Perceptron]) -> None:
        self.inputs, self.networks = inputs, networks
        self.label = torch.from_numpy(label).to(inputs.device)
        first = [_first_weights(inputs.shape[1], int(label.max()) + 1, n.seed) for n in networks]
        self.weights = [
            torch.stack(parts).to(inputs.device).requires_grad_() for parts in zip(*first, strict=True)
        ]
        w1, b1, w2, b2 = self.weights
        groups: list[dict[str, Any]] = [
            {"params": [w1, w2], "weight_decay": networks[0].decay},
            {"params": [b1, b2]},
        ]
        # elementwise, so a step on the stack is the step of each network
        self.optimizer = torch.optim.Adam(groups, lr=LEARNING_RATE, fused=True)
        self.batches = [_batches(label, network) for network in networks]

    def advance(self, steps: int) -> list[Ints]:
        """Take more steps, then predict the test rows of each network."""
        for _ in range(steps):
            self._step()
        return [self._predict(j) for j in range(len(self.networks))]

    @torch.enable_grad()
    def _step(self) -> None:
        rows = torch.from_numpy(np.stack([next(batches) for batches in self.batches])).to(self.inputs.device)
        w1, b1, w2, b2 = self.weights
        hidden = torch.baddbmm(b1, self.inputs[rows], w1).relu()
        logits = torch.baddbmm(b2, hidden, w2)
        loss = cross_entropy(logits.flatten(0, 1), self.label[rows].flatten(), reduction="sum") / BATCH
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    @torch.no_grad()
    def _predict(self, j: int) -> Ints:
        w1, b1, w2, b2 = (weight[j] for weight in self.weights)
        found = []
        for rows in torch.from_numpy(self.networks[j].test).split(_TEST_ROWS):
            x = self.inputs[rows.to(self.inputs.device)]
            found.append(((x @ w1 + b1).relu_() @ w2 + b2).argmax(1).cpu())
        return torch.cat(found).numpy()


def _first_weights(width: int, classes: int, seed: int) -> tuple[Tensor, ...]:
    """Draw the weights of both layers, uniform in +- sqrt(6 / (inputs + outputs)) (Glorot and Bengio)."""
    generator = torch.Generator().manual_seed(seed)
    first = []
    for inputs, outputs in ((width, HIDDEN), (HIDDEN, classes)):
        bound = (6 / (inputs + outputs)) ** 0.5
        first += [
            torch.empty(rows, outputs).uniform_(-bound, bound, generator=generator) for rows in (inputs, 1)
        ]
    return tuple(first)


def _batches(label: Ints, network: Perceptron) -> Iterator[Ints]:
    """Yield the rows (BATCH,) of batch after batch without end; epochs follow each other without a gap."""
    rng = np.random.default_rng(network.seed)
    weight = np.zeros(len(label))
    weight[network.train] = compute_sample_weight("balanced", label[network.train])
    left = np.empty(0, np.int64)
    while True:
        while len(left) < BATCH:
            left = np.concatenate([left, balanced_epoch(rng.permutation(network.train), weight, rng)])
        yield left[:BATCH]
        left = left[BATCH:]
