"""Measure how often extrapolated learning curves contain what attackers with more data read.

    OMP_NUM_THREADS=1 python -m benchmarks.learning_curve_check [--draws 20] [--subjects 250] [--images 3]

A table of each kind is drawn again and again, and `learning_curve` extrapolates it to twice and ten times its
training samples. The truth is what the same attackers read of unseen subjects when they learn from new tables
of that size (mean of several, at least chance; tested on other subjects). Kinds: no leak; a linear leak, weak
in 64 features or strong in 256, where it is hard to learn; one of the variances of 8 of 32 features; one of
the product of two of 6 features. Each subject has a place of its own.

Prints for each kind, attacker and multiple: the truth; mean and root mean squared error of the extrapolation;
the share of intervals that contain the truth; and their mean width. The last lines sum up over all kinds.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from rich.progress import track
from sklearn.metrics import balanced_accuracy_score

from benchmarks.options import make_parser
from evaluation.leakage.learning_curve import Learner, learning_curve, predict
from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.audited_samples import AuditedSamples
from evaluation.samples.labelled_samples import Samples

TESTED = 1000  # subjects


def _linear(shift: float) -> Callable[[Floats, Ints], Floats]:
    def leak(x: Floats, label: Ints) -> Floats:
        return x + shift * (2 * label[:, None] - 1) / np.sqrt(x.shape[1])

    return leak


def _variances(x: Floats, label: Ints) -> Floats:
    x[:, :8] *= np.where(label, 1.6, 1)[:, None]
    return x


def _product(x: Floats, label: Ints) -> Floats:
    sign = np.sign(x[:, 0] * x[:, 1])
    x[:, 0] *= sign * (2 * label - 1)
    return x


KINDS: dict[str, tuple[int, Callable[[Floats, Ints], Floats]]] = {
    "none": (64, _linear(0)),
    "linear, weak": (64, _linear(0.7)),
    "linear, hard to learn": (256, _linear(1.5)),
    "variances": (32, _variances),
    "product": (6, _product),
}


def draw(kind: str, subjects: int, images: int, rng: np.random.Generator) -> Samples:
    """Draw a table of subjects, whose classes change from image to image."""
    width, leak = KINDS[kind]
    subject = np.repeat(np.arange(subjects), images)
    label = rng.integers(2, size=len(subject))
    place = rng.normal(size=(subjects, width))[subject]
    return Samples(leak((0.5 * place + rng.normal(size=place.shape)) / np.sqrt(1.25), label), label, subject)


def truth(kind: str, attacker: Learner, samples: int, images: int, tables: int) -> float:
    """Measure the reading of an attacker with that many samples, the mean over several tables."""
    found = []
    for seed in range(tables):
        rng = np.random.default_rng([seed, 2])
        learned = -(-samples // images)
        x, label, subject, _ = draw(kind, learned + TESTED, images, rng)
        assert subject is not None
        test = np.flatnonzero(subject >= learned)
        predicted = predict(attacker, AuditedSamples(x, label, subject), np.arange(test[0]), test, seed)
        found.append(balanced_accuracy_score(label[test], predicted))
    return max(float(np.mean(found)), 0.5)


def main() -> None:
    """Run the study and print the table."""
    parser = make_parser(__doc__)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--subjects", type=int, default=250)
    parser.add_argument("--images", type=int, default=3)
    options = parser.parse_args()
    every = []
    for kind in KINDS:
        tables = [
            learning_curve(
                draw(kind, options.subjects, options.images, np.random.default_rng([seed, 1])),
                seed=seed,
            )
            for seed in track(range(options.draws), kind, transient=True)
        ]
        found = pd.concat(tables)
        found = found[found["kind"] == "extrapolated"]
        for (attacker, n_train), rows in found.groupby(["attacker", "n_train"], sort=False):
            small = n_train < 4 * options.subjects * options.images
            right = truth(kind, attacker, n_train, options.images, 5 if small else 2)
            error = rows["balanced_accuracy"] - right
            every.append(
                {
                    "kind": kind,
                    "attacker": attacker,
                    "times": 2 if small else 10,
                    "truth": right,
                    "mean": rows["balanced_accuracy"].mean(),
                    "rmse": np.sqrt(np.mean(error**2)),
                    "covered": ((rows["low"] <= right) & (right <= rows["high"])).mean(),
                    "width": (rows["high"] - rows["low"]).mean(),
                }
            )
        print(pd.DataFrame(every)[-6:].round(3).to_string(index=False, header=kind == "none"), flush=True)
    print(pd.DataFrame(every).groupby("times")[["rmse", "covered", "width"]].mean().round(3).to_string())


if __name__ == "__main__":
    main()
