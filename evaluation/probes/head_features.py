"""f_k: what a classifier that was freshly trained on a representation makes of it before it decides."""

import numpy as np
import torch
from torch import nn

from evaluation.probes.probe_families import HIDDEN, standardise
from evaluation.samples.arrays import Floats, Ints

_BATCH, _UPDATES = 128, 1500  # the annex: 150 epochs of CFEE's 1,104 training images in batches of 128


def head_features(embedding: Floats, label: Ints, train: np.ndarray, seed: int = 0) -> Floats:
    """The 1024 activations of the dense layer of a head that was trained to read `label`.

    This is f_3 in figures 4.1, 4.3 and 4.4 of the thesis, where the label is the emotion. The head is that of
    section 3.2, Dense 1024, ReLU, softmax, with Adam at 1e-3 as in the annex, on embeddings that are
    standardised by the training samples.

    Args:
        embedding: (N, D) of any scale.
        label: (N,) classes, -1 where unknown.
        train: rows to learn from, (M,) int or (N,) bool; of other people than those one looks at.
        seed: of the first weights and the batches.

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
        dense, output = nn.Linear(x.shape[1], HIDDEN), nn.Linear(HIDDEN, len(classes))
        optimizer = torch.optim.Adam([*dense.parameters(), *output.parameters()], lr=1e-3)
        for _ in range(_UPDATES):
            batch = torch.randint(len(rows), (_BATCH,))
            logits = output(dense(x[rows[batch]]).relu())
            loss = nn.functional.cross_entropy(logits, torch.from_numpy(target)[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        return dense(x).relu().numpy()
