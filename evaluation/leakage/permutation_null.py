"""Permutation tests: compare the leakage of the labels with that of shuffled labels."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np

from evaluation.leakage.fold_probes import balanced_accuracy
from evaluation.leakage.multiplicity import STOP, sequential_p_value
from evaluation.leakage.shuffled_labels import (
    SCHEMES,
    Scheme,
    possible_schemes,
    shuffled,
    varies,
)
from evaluation.leakage.shuffled_units import Bench, ShuffledUnits
from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.labelled_samples import Samples

Hypothesis = Literal["readable at all", "beyond identity"]
_HYPOTHESES: dict[Scheme, Hypothesis] = {
    "across subjects": "readable at all",
    "within subjects": "beyond identity",
}

_FIRST, _BATCH = 40, 200  # labellings at a time


class PermutationResult(NamedTuple):
    """Result of `permutation_tests` for one hypothesis, on n scored samples."""

    hypothesis: Hypothesis
    """`readable at all`: the embedding tells something of the labels. `beyond identity`: it tells more than
    the subject does."""
    scheme: Scheme
    """Name of the way in which the labels were shuffled."""
    probe: int
    """Position in `PROBES` of the probe that reads the true labels best."""
    statistic: float
    """Balanced accuracy in [0, 1] of that probe, on subjects it has not learned from."""
    p_value: float
    """Estimated share of all labellings whose statistic is at least as high."""
    exceedances: int
    """Number of shuffles whose statistic is at least as high."""
    null: Floats
    """(shuffles,) statistic of each shuffle, of the probe that is best for it."""
    label: Ints
    """(n,) classes of the scored samples."""
    subjects: Ints
    """(n,) their subjects, numbered 0, 1, ..."""
    blocks: int
    """Number of units that were shuffled: blocks, takes, and samples that are a unit of their own."""
    correct: np.ndarray
    """(probes, n) bool, which true labels each probe of `PROBES` predicts."""


def permutation_tests(
    samples: Samples, permutations: int = 999, folds: int = 5, seed: int = 0, max_samples: int = 3000
) -> list[PermutationResult]:
    """Test whether an attribute leaks, on subjects that the probes have not learned from.

    Two hypotheses, each with the shuffle that keeps everything but the leak it is about
    (`shuffled_labels`):

    - `readable at all`: subjects exchange their labels, which take any order. Any leak counts, be it of
      single images or of what the images of a subject have in common, such as gender.
    - `beyond identity`: the labels of each subject change places. An embedding of identity alone passes, even
      if it tells who smiles often. Only subjects of several classes are scored, as the shuffle does not
      change the others (the probes learn from both). It is tested where `possible_schemes` finds an
      attribute that changes from image to image.

    Samples that were drawn together are one unit: those of a class and a block, and takes that are found by
    their distances (`merge_takes`). A unit is shuffled as one. Subjects can exchange labels if they have
    equally many units, so a few units are left out at random (`even_counts`). What is assumed: subjects are
    independent of one another, units of one subject are so given the subject, and the size of a unit, or the
    small differences of the number of units in a group of `even_counts`, do not depend on the class.

    The statistic is the highest balanced accuracy of closed-form probes (`PROBES`: linear and RBF kernel,
    each on rows of several scalings), over all folds together. All are trained again for every shuffle, so
    the choice of the best one is part of the test. Folds, samples and ridge do not depend on the labels;
    therefore, without a leak, all labellings that a shuffle can produce are exchangeable, and p <= 0.05 in at
    most 5 % of such cases.

    Shuffling stops early at 20 statistics that are at least as high as that of the true labels. The p-value
    is then 20 over the number of shuffles so far, otherwise (exceedances + 1) / (permutations + 1); both are
    valid (Besag and Clifford, Sequential Monte Carlo p-values, 1991).

    Args:
        samples: of one representation and one attribute.
        permutations: largest number of shuffles; see `multiplicity.shuffles_needed`.
        folds: number of folds of the subjects.
        seed: seed of shuffles, folds and the subsample.
        max_samples: with more samples, subjects are drawn at random.

    Raises:
        ValueError: see `audited_samples`.
    """
    return run_tests(Bench.of(samples, folds, max_samples, seed), permutations, seed)


def run_tests(bench: Bench, permutations: int, seed: int) -> list[PermutationResult]:
    """Run the tests of `permutation_tests` on prepared units and probes."""
    tested, probes = bench
    label, subjects = tested.label[tested.unit], tested.subject[tested.unit]
    prediction = probes.predict(label[None])[:, 0]
    results = []
    for scheme in possible_schemes(tested.label, tested.subject):
        scored = np.arange(len(label))
        if scheme == "within subjects":
            scored = np.flatnonzero(varies(tested.label, tested.subject)[subjects])
        readings = balanced_accuracy(prediction[:, scored], label[scored])
        statistic, null = float(readings.max()), np.empty(0)
        for labels in _batches(tested, scheme, permutations, seed):
            found = probes.predict(labels)
            best = np.max([balanced_accuracy(one[:, scored], labels[:, scored]) for one in found], axis=0)
            null = np.concatenate([null, best])
            if (null >= statistic).sum() >= STOP:
                break
        null, p_value = sequential_p_value(null, statistic)
        results.append(
            PermutationResult(
                hypothesis=_HYPOTHESES[scheme],
                scheme=scheme,
                probe=int(readings.argmax()),
                statistic=statistic,
                p_value=p_value,
                exceedances=int((null >= statistic).sum()),
                null=null,
                label=label[scored],
                subjects=subjects[scored],
                blocks=len(np.unique(tested.unit[scored])),
                correct=prediction[:, scored] == label[scored],
            )
        )
    return results


def _batches(units: ShuffledUnits, scheme: Scheme, permutations: int, seed: int) -> Iterator[Ints]:
    """Yield shuffled labels of all samples, (B, N), a few at first."""
    rng = np.random.default_rng([seed, SCHEMES.index(scheme)])
    done, size = 0, _FIRST
    while done < permutations:
        size = min(size, permutations - done)
        yield np.stack([shuffled(units.label, units.subject, scheme, rng)[units.unit] for _ in range(size)])
        done, size = done + size, _BATCH
