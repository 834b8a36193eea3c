"""Measure how often the permutation test reports a leak where there is none, and where there is one.

    OMP_NUM_THREADS=1 python -m benchmarks.permutation_false_alarms [--draws 200]

Each draw is a population of 60 identities with 2 to 8 images, embedded in 16 dimensions around a place of
their own, so that identities are easy to tell apart. The attribute has three classes of shares 0.5, 0.3 and
0.2: of each image, with identities that show one class more often than others (scheme `within people`), or of
each identity (`over people`). Without a leak the embedding is drawn without the attribute. Where identity
leaks, identities that show a class more often lie nearer to one another, which a test of what is read beyond
identity must not report. The weak leaks move an embedding in the direction of its class.

Prints the share of draws with p <= 0.05 and its 95 % interval (Wilson).
"""

import numpy as np
from rich.progress import track
from scipy.stats import binomtest

from benchmarks.options import make_parser
from evaluation.leakage.permutation_null import permutation_test
from evaluation.samples.labelled_samples import Samples

PEOPLE, IMAGES, WIDTH, SHARES = 60, (2, 8), 16, (0.5, 0.3, 0.2)
CASES = {  # name: (does the attribute change within identities, leak of the class, leak of the habit)
    "within people, no leak": (True, 0.0, 0.0),
    "within people, identity leaks": (True, 0.0, 2.0),
    "over people, no leak": (False, 0.0, 0.0),
    "within people, weak leak": (True, 1.1, 0.0),
    "over people, weak leak": (False, 3.0, 0.0),
}


def population(changes: bool, leak: float, habit_leak: float, rng: np.random.Generator) -> Samples:
    """Draw samples; a leak of 1 moves the embedding by one standard deviation within an identity."""
    images = rng.integers(*IMAGES, size=PEOPLE, endpoint=True)
    person = np.repeat(np.arange(PEOPLE), images)
    habit = rng.dirichlet(4 * np.array(SHARES), size=PEOPLE) if changes else np.tile(SHARES, (PEOPLE, 1))
    drawn = np.array([rng.choice(len(SHARES), p=habit[p]) for p in person])
    label = drawn if changes else drawn[np.cumsum(images) - 1][person]
    place = rng.normal(scale=2, size=(PEOPLE, WIDTH))
    place[:, : len(SHARES)] += habit_leak * 4 * habit
    x = place[person] + rng.normal(size=(len(person), WIDTH))
    x[np.arange(len(x)), label] += leak
    return Samples(x, label, person)


def main() -> None:
    """Run the test and print the table."""
    parser = make_parser(__doc__)
    parser.add_argument("--draws", type=int, default=200)
    draws = parser.parse_args().draws
    for name, case in CASES.items():
        alarms = 0
        for seed in track(range(draws), name, transient=True):
            result = permutation_test(population(*case, np.random.default_rng([seed, 1])), seed=seed)
            assert name.startswith(result.scheme), result.scheme
            alarms += result.p_value <= 0.05
        low, high = binomtest(alarms, draws).proportion_ci(method="wilson")
        print(f"{name:30} {alarms:4} of {draws}  {alarms / draws:6.1%}  [{low:.1%}, {high:.1%}]", flush=True)


if __name__ == "__main__":
    main()
