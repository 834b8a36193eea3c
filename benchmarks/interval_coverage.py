"""Measure how often the 95 % intervals of balanced accuracies cover the truth.

    OMP_NUM_THREADS=1 python -m benchmarks.interval_coverage [--draws 150]

Correct predictions are drawn whose true accuracy is known; samples of one subject are correlated (intraclass
correlation .2). Printed are shares of draws, each with its 95 % interval (Wilson):

- one reading: coverage of `balanced_intervals`, beside that of percentiles of the bootstrap over subjects;
- the strongest of many: coverage of the highest true accuracy by `strongest_reading`, and how often its
  interval, or the highest of the intervals that look at one reading each, lies above the truth. `nothing` are
  10 attackers with 4 scalings at chance, whose correct predictions correlate by about a third;
- pairs: coverage of the difference and of the leakage reduction by `paired_readings`;
- the whole attack: coverage of what a linear attacker would read that learned from other subjects of the
  same number, with 1 and with 5 repeats.
"""

import time
from collections.abc import Iterable
from itertools import product

import numpy as np
from scipy.stats import beta, norm

from benchmarks.options import make_parser
from evaluation.leakage.cross_fitted_leakage import cross_fitted_leakage
from evaluation.leakage.paired_readings import paired_readings
from evaluation.leakage.recall_intervals import balanced_intervals, class_recalls
from evaluation.leakage.strongest_reading import strongest_reading
from evaluation.probes.attackers import attack
from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.intervals import wilson_interval
from evaluation.samples.labelled_samples import Samples

IMAGES, INTRACLASS, REPLICATES = 6, 0.2, 500
WIDTH, LEAK = 20, 0.6  # of the whole attack: features, and half the distance of the classes


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__)
    parser.add_argument("--draws", type=int, default=150, help="of each row (default: 150)")
    draws, start = parser.parse_args().draws, time.perf_counter()
    rng = np.random.default_rng(0)
    print(f"{draws} draws of each row\n\none reading; subjects, minority, true accuracy")
    for per_subject, subjects, minority in product((False, True), (50, 150, 500), (0.02, 0.1, 0.5)):
        if per_subject and subjects * minority < 5:
            continue  # too few subjects of the class for any fold
        for truth in (0.6, 0.9, 0.97, 0.99):
            found = one_reading(rng, draws, subjects, minority, truth, per_subject)
            row = f"{'a trait' if per_subject else 'of images'}  {subjects:4} {minority:5} {truth:5}"
            report(row, draws, zip(("covered", "by percentiles"), found, strict=True))
    print("\nthe strongest of many")
    cases = {
        "nothing": np.full(40, 0.5),
        "ties at .8": np.full(40, 0.8),
        "one of 40 is best": np.r_[0.8, np.full(39, 0.65)],
        "a ladder": np.linspace(0.5, 0.8, 40),
    }
    for (name, truths), subjects in product(cases.items(), (50, 150, 500)):
        counts = strongest_of_many(rng, draws, subjects, truths)
        names = ("covered", "above the truth", "above it by single intervals")
        report(f"{name:18} {subjects:4}", draws, zip(names, counts, strict=True))
    print("\npairs; subjects, before, after")
    for subjects, before, after in product((50, 150, 500), (0.75, 0.97), (0.5, 0.6, 0.75)):
        found = pairs(rng, draws, subjects, before, after)
        report(
            f"{subjects:4} {before:5} {after:5}", draws, zip(("difference", "reduction"), found, strict=True)
        )
    print("\nthe whole attack; subjects, repeats")
    for subjects, repeats in product((100, 300), (1, 5)):
        some = max(draws // 2, 20)
        report(f"{subjects:4} {repeats:2}", some, [("covered", whole_attack(rng, some, subjects, repeats))])
    print(f"\n{(time.perf_counter() - start) / 60:.1f} minutes")


def report(row: str, draws: int, found: Iterable[tuple[str, int]]) -> None:
    """Print shares of draws with their intervals."""
    cells = []
    for name, hits in found:
        low, high = wilson_interval(hits, draws)
        cells.append(f"{name} {hits / draws:.3f} [{low:.3f}, {high:.3f}]")
    print(f"{row}  {'  '.join(cells)}", flush=True)


def draw_labels(
    rng: np.random.Generator, subjects: int, minority: float, per_subject: bool
) -> tuple[Ints, Ints]:
    """Draw labels and subjects of `IMAGES` samples a subject, two of the rare class at least."""
    subject = np.repeat(np.arange(subjects), IMAGES)
    if per_subject:
        return (subject < round(minority * subjects)).astype(np.int64), subject
    while True:
        label = (rng.random(len(subject)) < minority).astype(np.int64)
        if label.sum() > 1:
            return label, subject


def one_reading(
    rng: np.random.Generator, draws: int, subjects: int, minority: float, truth: float, per_subject: bool
) -> tuple[int, int]:
    """Count the draws in which our interval, and that of the bootstrap, cover the truth."""
    strength = 1 / INTRACLASS - 1
    ease = beta.rvs(truth * strength, (1 - truth) * strength, size=(draws, subjects), random_state=rng)
    times = rng.multinomial(subjects, np.full(subjects, 1 / subjects), size=REPLICATES)
    covered = np.zeros(2, int)
    for one in ease:
        label, subject = draw_labels(rng, subjects, minority, per_subject)
        correct = (rng.random(len(label)) < one[subject]).astype(float)
        recalls = class_recalls(correct[None], label, subject)
        low, high = balanced_intervals(recalls)
        hits = recalls.influence[0] * recalls.trials.sum(0) + recalls.recall * recalls.trials
        total = times @ recalls.trials
        drawn = np.divide(times @ hits, total, out=np.full(total.shape, np.nan), where=total > 0)
        ends = np.quantile(np.nanmean(drawn, 1), [0.025, 0.975])
        covered += low[0] <= truth <= high[0], ends[0] <= truth <= ends[1]
    return int(covered[0]), int(covered[1])


def draw_readings(
    rng: np.random.Generator, label: Ints, subject: Ints, shared: Floats, truths: Floats
) -> Floats:
    """Draw correct predictions (R, N) by thresholds on normal numbers, half of whose variance is shared."""
    own = rng.normal(size=(len(truths), len(label)))
    return (np.sqrt(0.5) * (shared + own) < norm.ppf(truths)[:, None]).astype(float)


def draw_shared(rng: np.random.Generator, subject: Ints) -> Floats:
    """Draw the part (N,) that all readings share; samples of a subject correlate."""
    of_subject = rng.normal(size=subject.max() + 1)[subject]
    return np.sqrt(INTRACLASS) * of_subject + np.sqrt(1 - INTRACLASS) * rng.normal(size=len(subject))


def strongest_of_many(
    rng: np.random.Generator, draws: int, subjects: int, truths: Floats
) -> tuple[int, int, int]:
    """Count the draws whose interval covers the highest accuracy, lies above it, or does if one at a time."""
    found = np.zeros(3, int)
    for _ in range(draws):
        label, subject = draw_labels(rng, subjects, 0.5, per_subject=False)
        correct = draw_readings(rng, label, subject, draw_shared(rng, subject), truths)
        one, truth = strongest_reading(label, subject, correct), truths.max()
        alone = balanced_intervals(class_recalls(correct, label, subject))[0].max()
        found += one.low <= truth <= one.high, one.low > truth, alone > truth
    return int(found[0]), int(found[1]), int(found[2])


def pairs(
    rng: np.random.Generator, draws: int, subjects: int, before: float, after: float
) -> tuple[int, int]:
    """Count the draws that cover the difference and the reduction; five attackers of equal strength a side.

    Where no reduction is given, nothing wrong is said, so it counts as covered.
    """
    found, reduction = np.zeros(2, int), 100 * (before - after) / (before - 0.5)
    for _ in range(draws):
        label, subject = draw_labels(rng, subjects, 0.5, per_subject=False)
        shared = draw_shared(rng, subject)
        one, two = (draw_readings(rng, label, subject, shared, np.full(5, t)) for t in (before, after))
        pair = paired_readings(label, subject, one, two)
        found += (
            pair.difference_low <= after - before <= pair.difference_high,
            np.isnan(pair.removed) or pair.removed_low <= reduction <= pair.removed_high,
        )
    return int(found[0]), int(found[1])


def draw_leak(rng: np.random.Generator, subjects: int) -> Samples:
    """Draw embeddings with a linear leak, two samples a subject of one class."""
    subject = np.repeat(np.arange(subjects), 2)
    label = (subject % 2).astype(np.int64)
    x = 0.7 * rng.normal(size=(subjects, WIDTH))[subject] + 0.7 * rng.normal(size=(len(subject), WIDTH))
    x[:, 0] += LEAK * (2 * label - 1)
    return Samples(x, label, subject)


def whole_attack(rng: np.random.Generator, draws: int, subjects: int, repeats: int) -> int:
    """Count the draws whose interval covers the mean accuracy of attackers trained on other subjects."""
    tested, truth = draw_leak(rng, 2000), []
    for _ in range(200):
        train = draw_leak(rng, subjects * 4 // 5)
        read = attack("linear", train.embedding, train.label, tested.embedding, [{"C": 0.01}], 0)[0]
        truth.append((read == tested.label).mean())
    covered = 0
    for _ in range(draws):
        samples = draw_leak(rng, subjects)
        row = cross_fitted_leakage(
            samples, attackers=["linear"], scalings=["standardised"], repeats=repeats, tune=False
        ).table.iloc[0]
        covered += bool(row["low"] <= np.mean(truth) <= row["high"])
    return covered


if __name__ == "__main__":
    main()
