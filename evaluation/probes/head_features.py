"""Hidden features of a classifier that was freshly trained on a representation (f_k in the thesis)."""

import numpy as np
import torch

from evaluation.probes.mlp import BATCH, HIDDEN, gradient_step, two_layers
from evaluation.probes.standardise import standardise
from evaluation.samples.arrays import Floats, Ints

_UPDATES = 1500  # the annex: 150 epochs of CFEE's 1,104 training images in batches of 128


def head_features(embedding: Floats, label: Ints, train: np.ndarray, seed: int = 0) -> Floats:
    """Train a head to predict `label`, and return the 1024 activations of its dense layer.

    This is f_3 in figures 4.1, 4.3 and 4.4 of the thesis, where the label is the emotion. The head is that of
    section 3.2 (Dense 1024, ReLU, softmax), trained with Adam at 1e-3 as in the annex, on embeddings that are
    standardised by the training samples.

    Args:
        embedding: (N, D) of any scale.
        label: (N,) classes, -1 where unknown.
        train: training rows, (M,) int or (N,) bool; their subjects should be others than those looked at.
        seed: seed of the initial weights and the batches.

    Returns:
        (N, 1024) float32, at least 0.

    Raises:
        ValueError: fewer than two classes to learn from.
    """
    rows = np.arange(len(label))[train]
    rows = rows[label[rows] >= 0]
    classes, target = np.unique(label[rows], return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"the head has {len(classes)} classes to learn from; two are needed")
    x = torch.from_numpy(standardise(embedding[rows], embedding)[1].astype(np.float32))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = two_layers(x.shape[1], HIDDEN, len(classes))
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
        for _ in range(_UPDATES):
            batch = torch.randint(len(rows), (BATCH,))
            gradient_step(net, optimizer, x[rows[batch]], torch.from_numpy(target)[batch])
    with torch.no_grad():
        return net[:2](x).numpy()
