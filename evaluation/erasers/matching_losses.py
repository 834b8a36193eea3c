"""Losses of class matching."""

import torch
from torch import Tensor
from torch.nn.functional import log_softmax, normalize, one_hot

_TEMPERATURE = 0.1
_SQUARINGS = 4  # of the widest kernel: five widths, each the half of the one before


def class_discrepancy(z: Tensor, label: Tensor, classes: int) -> Tensor:
    """Estimate the squared maximum mean discrepancy between the classes; mean over their pairs.

    The kernel is the mean of five Gaussian ones, of 2, 1, 1/2, 1/4 and 1/8 times the median squared distance
    (Gretton et al., JMLR 2012, equation 3: without bias for independent samples). The quantity that it
    estimates is, for two classes, a multiple of HSIC with one-hot labels.

    Args:
        z: (N, m).
        label: (N,) classes 0 to C - 1, at least two samples of each.
        classes: C.

    Returns:
        A scalar, 0 in expectation where independent samples of the classes are alike; it can be negative.
    """
    distance = torch.cdist(z, z).square()
    kernel = torch.exp(-distance / (2 * distance.detach().median()))
    mixture = kernel
    for _ in range(_SQUARINGS):
        kernel = kernel.square()
        mixture = mixture + kernel
    member = one_hot(label, classes).to(z.dtype)
    count = member.sum(0)
    total = member.T @ (mixture / (_SQUARINGS + 1)) @ member
    own = (total.diagonal() - count) / (count * (count - 1))  # a sample's kernel with itself is 1
    first, second = torch.triu_indices(classes, classes, 1)
    between = total[first, second] / (count[first] * count[second])
    return (own[first] + own[second] - 2 * between).mean()


def identity_loss(z: Tensor, label: Tensor) -> Tensor:
    """Tell the two samples of a subject from impostors of the same class alone, so nothing rewards the class.

    Cross-entropy over cosines, divided by the temperature .1 (Khosla et al., NeurIPS 2020, equation 2).

    Args:
        z: (2 P, m), two samples of each of P subjects, one after the other.
        label: (2 P,) class of each sample.
    """
    unit = normalize(z, dim=1)
    row = torch.arange(len(z))
    partner = row ^ 1
    allowed = label[:, None] == label
    allowed[row, partner] = True  # the attribute may differ between the two
    allowed[row, row] = False
    score = (unit @ unit.T / _TEMPERATURE).masked_fill(~allowed, -torch.inf)
    return -log_softmax(score, dim=1)[row, partner].mean()
