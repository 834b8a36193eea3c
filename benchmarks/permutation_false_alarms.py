"""Measure how often the permutation tests report a leak where there is none, and where there is one.

    OMP_NUM_THREADS=1 python -m benchmarks.permutation_false_alarms [--tables 20]

Each table is of 60 subjects, embedded in 16 dimensions around a place of their own, so that subjects are easy
to tell apart. Without a leak the embedding is drawn without the attribute of two classes:

- `constant`: one class a subject, of 2 to 8 images.
- `varying`: a class each image, with subjects that show one class more often than others; 2 to 8 images.
- `unequal counts`: the same with 1 to 30 images, few subjects of each number, as in photographs from the web.
- `takes`: two or three takes of three to ten frames each, one class a take; the frames differ by a share of
  the difference of takes (in standard deviations), and nothing tells which frames belong together.
- `blocks`: the same with frames that differ as much as takes, and a block column.
- `duplicates`: every photograph twice under two ids, which `shared_embeddings` joins.

Where identity leaks, subjects that show a class more often lie nearer to one another: readable at all, and
not beyond identity. The weak leaks move an embedding in the direction of its class.

Prints the share of tables with p <= 0.05 for each hypothesis, with its 95 % interval (Wilson), and whether
the true share may be at most .05 without a leak.
"""

from collections.abc import Callable

import numpy as np
from rich.progress import track

from benchmarks.options import make_parser
from evaluation.leakage.near_duplicates import shared_embeddings
from evaluation.leakage.permutation_null import permutation_tests
from evaluation.samples.arrays import Floats
from evaluation.samples.intervals import wilson_interval
from evaluation.samples.labelled_samples import Samples

SUBJECTS, WIDTH, PERMUTATIONS = 60, 16, 99
AT_ALL, BEYOND = "readable at all", "beyond identity"


def _places(rng: np.random.Generator) -> Floats:
    return rng.normal(scale=2, size=(SUBJECTS, WIDTH))


def constant(rng: np.random.Generator, leak: float = 0.0) -> Samples:
    """Draw a table of one class a subject; a leak of 1 moves a subject by half of the spread of subjects."""
    subject = np.repeat(np.arange(SUBJECTS), rng.integers(2, 9, size=SUBJECTS))
    label = rng.permutation(np.arange(SUBJECTS) % 2)[subject]
    x = _places(rng)[subject] + rng.normal(size=(len(subject), WIDTH))
    x[:, 0] += leak * label
    return Samples(x, label, subject)


def varying(
    rng: np.random.Generator, leak: float = 0.0, habit_leak: float = 0.0, images: tuple[int, int] = (2, 9)
) -> Samples:
    """Draw a table of one class an image; a leak of 1 is the standard deviation within subjects."""
    subject = np.repeat(np.arange(SUBJECTS), rng.integers(*images, size=SUBJECTS))
    habit = rng.beta(1, 1, size=SUBJECTS)
    label = (rng.random(len(subject)) < habit[subject]).astype(np.int64)
    x = _places(rng)[subject] + rng.normal(size=(len(subject), WIDTH))
    x[:, 0] += leak * label + habit_leak * habit[subject]
    return Samples(x, label, subject)


def takes(rng: np.random.Generator, count: int, frames: int, noise: float, *, block: bool = False) -> Samples:
    """Draw frames of takes, with a class of each take."""
    take = np.repeat(np.arange(SUBJECTS * count), frames)
    x = _places(rng)[take // count] + rng.normal(size=(SUBJECTS * count, WIDTH))[take]
    x += noise * rng.normal(size=x.shape)
    label = rng.integers(2, size=SUBJECTS * count)[take]
    return Samples(x, label, take // count, take if block else None)


def duplicates(rng: np.random.Generator, noise: float) -> Samples:
    """Draw every photograph twice under two ids, joined by `shared_embeddings`."""
    once = varying(rng)
    x = np.concatenate([once.embedding, once.embedding + noise * rng.normal(size=once.embedding.shape)])
    subject = np.asarray(once.identity)
    ids = np.concatenate([subject, subject + SUBJECTS])
    return Samples(x, np.tile(once.label, 2), shared_embeddings(x, ids).units)


Draw = Callable[[np.random.Generator], Samples]
NO_LEAK: dict[str, Draw] = {
    "constant": constant,
    "varying": varying,
    "unequal counts": lambda rng: varying(rng, images=(1, 31)),
    "3 takes x 3 frames, .1": lambda rng: takes(rng, 3, 3, 0.1),
    "3 takes x 3 frames, .3": lambda rng: takes(rng, 3, 3, 0.3),
    "2 takes x 10 frames, .1": lambda rng: takes(rng, 2, 10, 0.1),
    "2 takes x 10 frames, .3": lambda rng: takes(rng, 2, 10, 0.3),
    "3 blocks x 3 frames, 1": lambda rng: takes(rng, 3, 3, 1.0, block=True),
    "duplicates": lambda rng: duplicates(rng, 0.0),
    "duplicates, .05": lambda rng: duplicates(rng, 0.05),
}
LEAKS: dict[str, tuple[Draw, set[str]]] = {  # with the hypotheses that still have no leak
    "identity leaks": (lambda rng: varying(rng, habit_leak=8.0), {BEYOND}),
    "weak leak, constant": (lambda rng: constant(rng, leak=4.0), set()),
    "weak leak, varying": (lambda rng: varying(rng, leak=1.0), set()),
    "weak leak, unequal counts": (lambda rng: varying(rng, leak=0.8, images=(1, 31)), set()),
}


def alarms(draw: Draw, tables: int, name: str) -> dict[str, list[bool]]:
    """Test tables, and return for each hypothesis which have p <= 0.05."""
    found: dict[str, list[bool]] = {}
    for seed in track(range(tables), name, transient=True):
        for result in permutation_tests(draw(np.random.default_rng([seed, 1])), PERMUTATIONS, seed=seed):
            found.setdefault(result.hypothesis, []).append(result.p_value <= 0.05)
    return found


def main() -> None:
    """Run the tests and print the table."""
    parser = make_parser(__doc__)
    parser.add_argument("--tables", type=int, default=20)
    cases = {name: (draw, {AT_ALL, BEYOND}) for name, draw in NO_LEAK.items()} | LEAKS
    parser.add_argument("--cases", nargs="+", choices=list(cases), default=list(cases), metavar="CASE")
    options = parser.parse_args()
    for name in options.cases:
        draw, without_leak = cases[name]
        for hypothesis, found in alarms(draw, options.tables, name).items():
            low, high = wilson_interval(sum(found), len(found))
            word = "power" if hypothesis not in without_leak else "ok" if low <= 0.05 else "TOO MANY"
            print(
                f"{name:26} {hypothesis:16} {sum(found):4} of {len(found):4}  {np.mean(found):6.1%}  "
                f"[{low:.1%}, {high:.1%}]  {word}",
                flush=True,
            )


if __name__ == "__main__":
    main()
