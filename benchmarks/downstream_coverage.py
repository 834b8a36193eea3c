"""Measure how often the intervals of a downstream classifier's gaps contain the expected gap, by draws.

    OMP_NUM_THREADS=1 python -m benchmarks.downstream_coverage [--tables 200 --head linear]

Each table is a new population of 450 subjects with two images, a third each for training, validation and
test. One feature holds the target with noise, one the group, and 30 hold nothing, so that classifiers of
different training samples differ. The bias is 0.8. The expected gap is the mean over all tables, whose own
standard error is printed. An interval of 95 % should contain it in 95 % of the tables.

Prints, for 1, 2 and 5 draws of the training samples and each measure, the share of the tables whose interval
contains the expected gap, its 95 % interval (Wilson), and the mean width of the intervals.
"""

from dataclasses import replace

import numpy as np
from rich.progress import track

from benchmarks.options import make_parser
from evaluation.fairness.classifiers import downstream
from evaluation.fairness.predictions import Predictions
from evaluation.fairness.signed_gaps import signed_gaps
from evaluation.probes.heads import HEADS, Head
from evaluation.samples.intervals import wilson_interval
from evaluation.samples.representations import Representations

SUBJECTS, IMAGES, NOTHING, BIAS = 450, 2, 30, 0.8
DRAWS = (1, 2, 5)
MEASURES = ("tpr", "fpr", "accuracy", "auc")


def population(seed: int) -> Representations:
    """Draw subjects whose images have a target and a group of their own."""
    rng = np.random.default_rng([seed, 2])
    identity = np.repeat(np.arange(SUBJECTS), IMAGES)
    labels = {name: rng.integers(2, size=len(identity)) for name in ("target", "group")}
    subject = rng.normal(size=(SUBJECTS, 2 + NOTHING))[identity]
    x = (subject + rng.normal(size=subject.shape)) / 2**0.5
    for column, name in enumerate(labels):
        x[:, column] += 2 * labels[name] - 1
    return Representations(
        embeddings={"x": x.astype(np.float32)},
        labels=labels,
        classes=dict.fromkeys(labels, ("no", "yes")),
        identity=identity,
        split=identity % 3,
        sample_id=np.arange(len(identity)).astype(str),
    )


def first_draws(predictions: Predictions, draws: int) -> Predictions:
    """Keep the predictions of the first classifiers."""
    kept = predictions.draw < draws
    columns = ("draw", "subject", "group", "target", "score", "prediction")
    return replace(predictions, **{name: getattr(predictions, name)[kept] for name in columns})


def measure(tables: int, head: Head) -> np.ndarray:
    """Compute gap, low and high for each table, number of draws and measure, (tables, 3, 4, 3)."""
    found = np.empty((tables, len(DRAWS), len(MEASURES), 3))
    for seed in track(range(tables), "tables", transient=True):
        data = population(seed)
        train, val, test = (np.flatnonzero(data.split == place) for place in range(3))
        predictions = downstream(
            data,
            "x",
            "target",
            "group",
            train_rows=train,
            val_rows=val,
            test_rows=test,
            bias=BIAS,
            head=head,
            draws=max(DRAWS),
            seed=seed,
        ).test
        for i, draws in enumerate(DRAWS):
            gaps = signed_gaps(first_draws(predictions, draws), seed).set_index("measure")
            found[seed, i] = gaps.loc[list(MEASURES), ["gap", "low", "high"]]
    return found


def main() -> None:
    """Measure and print the table."""
    parser = make_parser(__doc__)
    parser.add_argument("--tables", type=int, default=200)
    parser.add_argument("--head", choices=HEADS, default="linear")
    options = parser.parse_args()
    found = measure(options.tables, options.head)
    print(f"{options.tables} tables, {options.head} head, bias {BIAS}")
    for m, name in enumerate(MEASURES):
        best = found[:, -1, m, 0]
        error = best.std(ddof=1) / len(best) ** 0.5
        print(f"{name}: expected gap {best.mean():.4f} (standard error {error:.4f})")
        for i, draws in enumerate(DRAWS):
            _, low, high = found[:, i, m].T
            held = int(((low <= best.mean()) & (best.mean() <= high)).sum())
            ends = wilson_interval(held, len(low))
            print(
                f"  {draws} draws: {held / len(low):6.1%} [{ends[0]:.1%}, {ends[1]:.1%}], "
                f"width {(high - low).mean():.4f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
