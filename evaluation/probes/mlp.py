"""Parts of the multilayer perceptrons that probe a representation, all with one hidden layer of ReLUs.

Five trainings use them, and they differ on purpose; making them equal would change published numbers:

- `attackers.predict` and `heads.head_scores`: scikit-learn's, `fit_mlp`. The first draws balanced epochs, as
  an attacker must not lose a rare class; the second learns the (biased) distribution as it is.
- `head_features` and `probability_probes`: `two_layers` and `gradient_step`. The first is the thesis' head,
  trained for a fixed number of steps; the second starts at the class frequencies and predicts after each
  epoch.
- `batched_mlp`: all folds and settings of an audit take each step together, in one stack of tensors, on the
  GPU if there is one. Its penalty is a setting, and its random numbers do not depend on the other networks.
"""

from collections.abc import Iterable

import numpy as np
from sklearn.neural_network import MLPClassifier
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import Optimizer

from evaluation.samples.arrays import Floats, Ints

HIDDEN = 1024  # units of the thesis' dense layer (section 3.2)
BATCH = 128


def fit_mlp(x: Floats, label: Ints, epochs: Iterable[Ints], seed: int) -> MLPClassifier:
    """Train scikit-learn's MLP of 1024 ReLUs with Adam and an L2 penalty of 1.

    Nothing is held out for early stopping: a representation that was trained against probes lets them learn
    nothing for many epochs, and leaks less about its training subjects than about others.

    Args:
        x: (N, D) standardised embeddings.
        label: (N,) classes, any integers.
        epochs: (N,) rows of each epoch; scikit-learn shuffles them.
        seed: seed of the initial weights and of the order of the samples.
    """
    x, classes = x.astype(np.float32), np.unique(label)
    probe = MLPClassifier((HIDDEN,), alpha=1, batch_size=min(BATCH, len(x)), random_state=seed)
    for rows in epochs:
        probe.partial_fit(x[rows], label[rows], classes=classes)
    return probe


def balanced_epoch(rows: Ints, weight: Floats, rng: np.random.Generator) -> Ints:
    """Resample rows (N,) in proportion to `weight[row]`; with equal weights every row comes once."""
    ends = np.cumsum(weight[rows])
    ticks = (np.arange(len(rows)) + rng.random()) * (ends[-1] / len(rows))
    return rng.permutation(rows[np.searchsorted(ends, ticks, side="right").clip(max=len(rows) - 1)])


def two_layers(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """Create the network, with PyTorch's initial weights from its global random state."""
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))


def gradient_step(net: nn.Sequential, optimizer: Optimizer, x: Tensor, target: Tensor) -> None:
    """Update the network by the mean cross-entropy of a batch (B, D) with classes (B,)."""
    optimizer.zero_grad()
    cross_entropy(net(x), target).backward()
    optimizer.step()
