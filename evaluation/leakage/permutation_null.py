"""Is what a probe reads more than chance? The labels are shuffled, and the probes start again."""

from typing import NamedTuple

import numpy as np

from evaluation.leakage.shuffled_labels import Scheme, choose_scheme, shuffled, varies
from evaluation.probes.kernel_probe import KERNELS, KernelProbe
from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.audited_samples import audited_samples
from evaluation.samples.labelled_samples import Samples
from evaluation.samples.subject_folds import people_folds


class PermutationResult(NamedTuple):
    """What was read of the labels, and of shuffled ones."""

    statistic: float
    """Balanced accuracy in [0, 1] of the better of two probes, read from people they have not seen."""
    p_value: float
    """Share of all labellings, the true one among them, whose statistic is at least as high."""
    null: Floats
    """(permutations,) the statistic of each shuffle."""
    scheme: Scheme
    """How the labels were shuffled."""
    n: int
    """Samples that the statistic is about."""
    people: int
    """Whose these are."""


def permutation_test(
    samples: Samples, permutations: int = 199, folds: int = 5, seed: int = 0, max_samples: int = 3000
) -> PermutationResult:
    """Whether an attribute can be read at all from people whom nobody has learned it from.

    Which shuffles keep everything but the leak depends on the attribute (`shuffled_labels.choose_scheme`):

    - `within people`, for one that changes from image to image, as emotion. Each person's labels change
      places, so the test asks what is read *beyond identity*: an embedding of identity alone passes, even if
      it tells who smiles often. Only people with two classes or more are scored, the shuffle does not touch
      the others (the probes learn from both).
    - `over people`, for one that does not change, as gender: people change labels as wholes. It takes for
      granted that the number of a person's images says nothing of the attribute.

    The statistic is the higher balanced accuracy of two closed-form probes (`KernelProbe`, linear and RBF),
    over all folds together. Both are trained anew for every shuffle, so that choosing the better one is part
    of the test. Folds, samples and ridge do not depend on the labels; therefore, where there is no leak, all
    labellings that a shuffle can give are alike, and p <= 0.05 in at most 5 % of such cases.

    Args:
        samples: of one representation and one attribute.
        permutations: how many shuffles; the least p is 1 / (permutations + 1).
        folds: of people.
        seed: of shuffles, folds, and the people drawn.
        max_samples: of more, people are drawn at random.

    Raises:
        ValueError: see `audited_samples`.
    """
    x, label, people = audited_samples(samples, folds, max_samples, seed)
    scheme = choose_scheme(label, people)
    rng = np.random.default_rng(seed)
    labels = np.stack([label, *(shuffled(label, people, scheme, rng) for _ in range(permutations))])
    scored = varies(label, people)[people] if scheme == "within people" else np.full(len(label), True)
    reading = np.zeros((len(KERNELS), *labels.shape), np.int64)
    for train, test in people_folds(np.zeros_like(label), people, folds, seed):
        for place, kernel in enumerate(KERNELS):
            reading[place][:, test] = KernelProbe(x[train], x[test], kernel).predict(labels[:, train])
    found = [_balanced_accuracy(read[:, scored], labels[:, scored]) for read in reading]
    statistic, null = np.split(np.max(found, axis=0), [1])
    p_value = (1 + int((null >= statistic).sum())) / (1 + permutations)
    count = len(np.unique(people[scored]))
    return PermutationResult(statistic.item(), p_value, null, scheme, int(scored.sum()), count)


def _balanced_accuracy(read: Ints, label: Ints) -> Floats:
    """(B,) mean over the classes that there are of their recall, from readings and labels (B, N)."""
    found = []
    for c in np.unique(label):
        inside = label == c
        found.append(((read == c) & inside).sum(1) / inside.sum(1))  # no shuffle loses a class
    return np.mean(found, axis=0)
