"""Kernel ridge regression in closed form, a fast attacker that handles many labellings at once."""

from typing import Literal, get_args

import numpy as np
import torch

from evaluation.probes.standardise import Scaling, rbf_kernel, scale_rows
from evaluation.samples.arrays import Floats, Ints

Kernel = Literal["linear", "rbf"]
KERNELS: tuple[Kernel, ...] = get_args(Kernel)
_RIDGE = 0.3  # beside a mean diagonal of 1 (linear) or a little less (RBF, centred)
_DOUBLE = 4096  # rows up to which a kernel is inverted in float64; beyond, its ridge makes float32 enough


class KernelProbe:
    """Predict classes from scaled embeddings by ridge regression on indicators of the classes.

    The expensive part does not depend on the labels, so another labelling of the same samples costs one
    matrix product. The classes are weighed equally: an indicator is divided by the size of its class, and its
    threshold lies half way between the mean scores of the class and of the rest, each sample scored by the
    regression without it (in closed form). With two classes and the linear kernel this is Fisher's
    discriminant with a ridge.

    Args:
        train: (N, D) training embeddings of any scale; their statistics scale both sets.
        test: (M, D) test embeddings.
        kernel: `linear` x'y / D, or `rbf` exp(-|x - y|^2 / D), which SVC calls gamma="scale".
        scaling: see `scale_rows`. Raw embeddings are divided by one number, their standard deviation over all
            features, since the ridge needs a scale.
    """

    def __init__(
        self, train: Floats, test: Floats, kernel: Kernel, scaling: Scaling = "standardised"
    ) -> None:
        x, x_test = scale_rows(train, test, scaling)
        if scaling == "raw":
            x, x_test = _standardise_as_one(x, x_test)
        if kernel == "linear" and x.shape[1] < len(x):
            columns = x @ x.mean(0) / x.shape[1]
            self._inverse = _linear_inverse(x - x.mean(0))
        else:
            gram = _kernel(kernel, x, x)
            columns = gram.mean(0)
            gram -= columns[:, None] + columns - columns.mean()
            gram[np.diag_indices_from(gram)] += _RIDGE
            self._inverse = _inverse(gram)
        self._cross = _kernel(kernel, x, x_test) - columns[:, None]  # the weights it meets sum to 0
        self._leverage = _RIDGE * np.diag(self._inverse) - 1 / len(x)  # 1 - h of each sample, with intercept

    def predict(self, label: Ints) -> Ints:
        """Predict the classes of the test set under each of B labellings of the training set.

        Args:
            label: (B, N) classes 0, 1, ...

        Returns:
            (B, M); a class that a labelling does not use is not predicted.
        """
        classes = int(label.max()) + 1
        if classes == 2:  # the score of one is the other's, times a negative number
            found = self._score((label == 1).astype(np.float64)) > 0
            return (found | label.all(1, keepdims=True)).astype(np.int64)
        return np.argmax(self.scores(label), axis=0)

    def scores(self, label: Ints) -> Floats:
        """Score the C classes of `predict`, (C, B, M); the highest is predicted, -inf if it is not used."""
        return np.stack([self._score((label == c).astype(np.float64)) for c in range(int(label.max()) + 1)])

    def _score(self, inside: Floats) -> Floats:
        """Score (B, M) the class whose samples are 1 in (B, N); above 0 it is nearer than the rest."""
        size = inside.sum(1, keepdims=True)
        share = inside / np.maximum(size, 1)
        target = share - share.mean(1, keepdims=True)
        weight = target @ self._inverse
        unseen = target - _RIDGE * weight / self._leverage
        rest = (1 - inside) / np.maximum(inside.shape[1] - size, 1)
        threshold = ((share + rest) * unseen).sum(1, keepdims=True) / 2
        return np.where(size > 0, weight @ self._cross - threshold, -np.inf)


def _standardise_as_one(train: Floats, test: Floats) -> tuple[Floats, Floats]:
    """Centre the features, and divide all of them by the root of their mean variance."""
    centre = train.mean(0)
    train, test = train - centre, test - centre
    largest = np.abs(train).max() or 1.0  # first, as its square may underflow
    size = largest * np.sqrt(np.mean((train / largest) ** 2)) or 1.0
    return train / size, test / size


def _linear_inverse(x: Floats) -> Floats:
    """Invert the linear kernel of centred rows (N, D) with its ridge, (N, N), by a matrix of (D, D)."""
    width = x.shape[1]
    small = x.T @ x
    small[np.diag_indices_from(small)] += _RIDGE * width
    inverse = x @ _inverse(small) @ -x.T
    inverse[np.diag_indices_from(inverse)] += 1
    return inverse / _RIDGE


def _inverse(positive: Floats) -> Floats:
    """Invert a positive definite matrix, in twice the speed if it is large."""
    matrix = torch.from_numpy(positive)
    if len(matrix) > _DOUBLE:
        matrix = matrix.float()
    return torch.cholesky_inverse(torch.linalg.cholesky(matrix)).double().numpy()


def _kernel(kernel: Kernel, a: Floats, b: Floats) -> Floats:
    width = a.shape[1]
    return a @ b.T / width if kernel == "linear" else rbf_kernel(a, b, 1 / width)
