"""Permutation test: compare the leakage of the labels with that of shuffled labels."""

from typing import NamedTuple

import numpy as np

from evaluation.leakage.shuffled_labels import Scheme, choose_scheme, shuffled, varies
from evaluation.probes.kernel_probe import KERNELS, KernelProbe
from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.audited_samples import audited_samples
from evaluation.samples.labelled_samples import Samples
from evaluation.samples.subject_folds import subject_folds


class PermutationResult(NamedTuple):
    """Result of `permutation_test`."""

    statistic: float
    """Balanced accuracy in [0, 1] of the better of two probes, on subjects they have not seen."""
    p_value: float
    """Share of all labellings, the true one among them, whose statistic is at least as high."""
    null: Floats
    """(permutations,) statistic of each shuffle."""
    scheme: Scheme
    """Name of the way in which the labels were shuffled."""
    n: int
    """Number of samples that are scored."""
    subjects: int
    """Number of their subjects."""


def permutation_test(
    samples: Samples, permutations: int = 199, folds: int = 5, seed: int = 0, max_samples: int = 3000
) -> PermutationResult:
    """Test whether an attribute leaks at all, on subjects that the probes have not learned from.

    The shuffles have to keep everything but the leak, which depends on the attribute
    (`shuffled_labels.choose_scheme`):

    - `within people`, for one that changes from image to image, such as emotion. The labels of each subject
      change places, so the test asks what leaks *beyond identity*: an embedding of identity alone passes,
      even if it tells who smiles often. Only subjects with two classes or more are scored, as the shuffle
      does not change the others (the probes learn from both).
    - `over people`, for one that does not change, such as gender: subjects exchange their labels. This
      assumes that the number of a subject's images is independent of the attribute.

    The statistic is the higher balanced accuracy of two closed-form probes (`KernelProbe`, linear and RBF),
    over all folds together. Both are trained again for every shuffle, so the choice of the better one is part
    of the test. Folds, samples and ridge do not depend on the labels; therefore, without a leak, all
    labellings that a shuffle can produce are exchangeable, and p <= 0.05 in at most 5 % of such cases.

    Args:
        samples: of one representation and one attribute.
        permutations: number of shuffles; the smallest p is 1 / (permutations + 1).
        folds: number of folds of the subjects.
        seed: seed of shuffles, folds and the subsample.
        max_samples: with more samples, subjects are drawn at random.

    Raises:
        ValueError: see `audited_samples`.
    """
    x, label, subjects, _ = audited_samples(samples, folds, max_samples, seed)
    scheme = choose_scheme(label, subjects)
    rng = np.random.default_rng(seed)
    labels = np.stack([label, *(shuffled(label, subjects, scheme, rng) for _ in range(permutations))])
    scored = varies(label, subjects)[subjects] if scheme == "within people" else np.full(len(label), True)
    predictions = np.zeros((len(KERNELS), *labels.shape), np.int64)
    for train, test in subject_folds(np.zeros_like(label), subjects, folds, seed):
        for place, kernel in enumerate(KERNELS):
            predictions[place][:, test] = KernelProbe(x[train], x[test], kernel).predict(labels[:, train])
    found = [_balanced_accuracy(predicted[:, scored], labels[:, scored]) for predicted in predictions]
    statistic, null = np.split(np.max(found, axis=0), [1])
    p_value = (1 + int((null >= statistic).sum())) / (1 + permutations)
    count = len(np.unique(subjects[scored]))
    return PermutationResult(statistic.item(), p_value, null, scheme, int(scored.sum()), count)


def _balanced_accuracy(prediction: Ints, label: Ints) -> Floats:
    """Compute the mean recall (B,) of the classes that occur, from predictions and labels (B, N)."""
    found = []
    for c in np.unique(label):
        inside = label == c
        found.append(((prediction == c) & inside).sum(1) / inside.sum(1))  # no shuffle loses a class
    return np.mean(found, axis=0)
