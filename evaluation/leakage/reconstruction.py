"""Reconstruct one representation from another."""

import numpy as np
import torch

from evaluation.probes.standardise import rbf_kernel, standardise
from evaluation.samples.arrays import Floats

_RIDGES = (1e-3, 1e-2, 1e-1)  # beside a mean diagonal of 1


def reconstruct(after: Floats, before: Floats, unseen: Floats) -> tuple[Floats, Floats]:
    """Learn to map one representation to another by kernel ridge regression, and map further samples.

    Of a linear and an RBF kernel with three ridges each, the regression with the smallest leave-one-out error
    is chosen.

    Args:
        after: (N, D) inputs of any scale.
        before: (N, D') targets of any scale.
        unseen: (M, D) inputs of further samples.

    Returns:
        (N, D') standardised targets, and (M, D') their predictions for the further samples.
    """
    x, x_new = standardise(after, unseen)
    target, gamma = standardise(before, before)[0], 1 / x.shape[1]
    kernels = ((gamma * x @ x.T, gamma * x @ x_new.T), (rbf_kernel(x, x, gamma), rbf_kernel(x, x_new, gamma)))
    best, rebuilt = np.inf, np.zeros((len(unseen), target.shape[1]))
    for gram, cross in kernels:
        for ridge in _RIDGES:
            factor = torch.linalg.cholesky(torch.from_numpy(gram + ridge * np.eye(len(x))))
            inverse = torch.cholesky_inverse(factor).numpy()
            weights = inverse @ target
            error = np.square(weights / np.diag(inverse)[:, None]).mean()  # each sample predicted without it
            if error < best:
                best, rebuilt = error, cross.T @ weights
    return target, rebuilt
