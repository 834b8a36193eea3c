"""Leakage among the samples of which the attacker is most certain."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from evaluation.leakage.fold_probes import PROBES
from evaluation.leakage.shuffled_labels import possible_schemes, shuffled, varies
from evaluation.leakage.shuffled_units import Bench
from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.subject_bootstrap import bootstrap_interval

SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


def confident_leakage(
    bench: Bench,
    shares: Sequence[float] = SHARES,
    *,
    permutations: int = 199,
    seed: int = 0,
) -> pd.DataFrame:
    """Test whether an attribute leaks from a part of the samples that no label marks.

    If one subject in twenty leaks fully, the balanced accuracy is 52.5 % and hardly differs from chance, but
    the attacker knows whom it can read: their scores are the largest. So the leakage is measured on the most
    confident share of the predictions, for several shares.

    The confidence is the difference between the two highest scores of a kernel probe, ranked within each
    fold. The labels are shuffled as by `permutation_tests` for the narrowest hypothesis, and the probes
    learn and rank each shuffle anew.
    A reading is standardised by the mean and the deviation over all labellings, the true one among them; the
    test compares the highest of all shares and probes with that of the shuffles, so that the choice of
    the share is part of the test (Westfall and Young, 1993, single-step maxT).

    Args:
        bench: units and probes of one representation and one attribute.
        shares: shares of the samples, in (0, 1].
        permutations: number of shuffles.
        seed: seed of every random choice.

    Returns:
        One row for each share: `share`, `n` (samples in it), `balanced_accuracy` of the probe that is
        farther above its shuffles, and `low` and `high`, its 95 % interval over subjects, given the
        predictions. A sample counts by the inverse size of its class among all samples, so chance is 1 /
        classes in each share, and the last is the ordinary balanced accuracy. `p_value` of a share is
        adjusted for the choice among all; the smallest is that of the test.

    Raises:
        ValueError: a share outside (0, 1].
    """
    if not all(0 < share <= 1 for share in shares):
        raise ValueError(f"shares of samples must be in (0, 1], got {tuple(shares)}")
    units = bench.units
    scheme = possible_schemes(units.label, units.subject)[-1]
    rng = np.random.default_rng(seed)
    drawn = (shuffled(units.label, units.subject, scheme, rng) for _ in range(permutations))
    labels = np.stack([units.label, *drawn])[:, units.unit]
    subjects = units.subject[units.unit]
    scored = np.full(len(subjects), True)
    if scheme == "within subjects":
        scored = varies(units.label, units.subject)[subjects]
    counts = [max(1, round(share * scored.sum())) for share in shares]
    found, true_order, true_hits = [], [], []
    for place in range(len(PROBES)):
        prediction, rank = bench.probes.ranked(place, labels)
        order = np.argsort(-rank[:, scored], axis=1, kind="stable")
        hits = (prediction == labels)[:, scored]
        weights = _class_weights(labels[:, scored])
        in_order = [np.take_along_axis(a, order, 1).cumsum(1) for a in (weights * hits, weights)]
        found.append(np.stack([in_order[0][:, n - 1] / in_order[1][:, n - 1] for n in counts]))
        true_order.append(order[0])
        true_hits.append(hits[0])
    readings = np.stack(found)  # (probes, shares, labellings)
    deviation = readings.std(2, keepdims=True)
    height = (readings - readings.mean(2, keepdims=True)) / np.where(deviation > 0, deviation, 1)
    highest = height.max((0, 1))
    weight, rows = _class_weights(labels[:1, scored])[0], []
    for place, (share, n) in enumerate(zip(shares, counts, strict=True)):
        best = int(height[:, place, 0].argmax())
        inside = true_order[best][:n]
        low, high = _interval(weight[inside], true_hits[best][inside], subjects[scored][inside], seed)
        p_value = (highest >= height[best, place, 0]).mean()
        rows.append((share, n, readings[best, place, 0], low, high, p_value))
    return pd.DataFrame(rows, columns=["share", "n", "balanced_accuracy", "low", "high", "p_value"])


def _class_weights(labels: Ints) -> Floats:
    """Divide 1 by the size of the class of each sample in its labelling, (B, N)."""
    weights = np.zeros(labels.shape)
    for c in range(int(labels.max()) + 1):
        inside = labels == c
        weights += inside / np.maximum(inside.sum(1, keepdims=True), 1)
    return weights


def _interval(weight: Floats, hits: np.ndarray, subjects: Ints, seed: int) -> tuple[float, float]:
    """Compute the 95 % bootstrap interval over subjects of a weighted share of hits."""
    subjects = np.unique(subjects, return_inverse=True)[1]
    total, right = np.bincount(subjects, weight), np.bincount(subjects, weight * hits)
    return bootstrap_interval(lambda drawn: right[drawn].sum() / total[drawn].sum(), len(total), seed)
