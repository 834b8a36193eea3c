"""Time the attackers of an audit against common implementations, and a whole leakage audit.

    python -m benchmarks.audit_speed [--rounds 3] [--audit 10000]

Constructed embeddings with a partly linear leak. An RBF-SVM on a kernel from a matrix product has to predict
the same as `SVC(kernel="rbf")`; logistic regression by lbfgs has to come within half a point of
`LinearSVC(dual="auto")`, and boosting on bins of its own within half a point of that on scikit-learn's bins,
which are of weighted quantiles; all on embeddings of 2048 numbers. The sides take turns, in processor time of
one thread. `--audit N` also attacks N embeddings of 512 numbers with all attackers, tuned, in all scalings,
on OMP_NUM_THREADS threads, and prints the time of each and the peak memory. The last line is JSON.
"""

import json
import resource
import time
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.svm import SVC, LinearSVC
from threadpoolctl import threadpool_limits

from benchmarks.options import make_parser
from benchmarks.timing import faster, take_turns
from evaluation.leakage.cross_fitted_leakage import cross_fitted_leakage
from evaluation.probes.attacker_table import ATTACKERS, Setting
from evaluation.probes.attackers import attack, rbf_svm
from evaluation.probes.standardise import standardise
from evaluation.samples.labelled_samples import Samples

IMAGES, DIMENSION = 4, 512
COMPARED_DIMENSION = 2048  # that of the thesis' embeddings
GOALS = {"rbf_svm": 5.0, "linear": 10.0, "boosting": 1.0, "audit_minutes_on_two_cores": 15.0}
LARGEST_GAP = 0.005  # between the accuracies of attackers and of what they replace


def make_samples(count: int, width: int = DIMENSION) -> Samples:
    """Make embeddings of identities, four images each, that leak a binary class."""
    rng = np.random.default_rng(0)
    person = np.arange(count) // IMAGES
    label = rng.integers(2, size=count)
    x = rng.normal(size=(count, width)) + rng.normal(size=(person[-1] + 1, width))[person]
    x[:, 0] += 2 * label
    x[:, 1] *= 1 + label
    return Samples((x @ rng.normal(size=(width, width))).astype(np.float32), label, person)


def compare_svm(samples: Samples, rounds: int) -> dict[str, Any]:
    """Time both SVMs, after a check that their predictions are equal."""
    half = len(samples.label) // 2
    x, x_test = standardise(samples.embedding[:half], samples.embedding[half:])
    label, gamma, found = samples.label[:half], 1 / x.shape[1], {}

    def theirs() -> None:
        found["svc"] = SVC(gamma=gamma, class_weight="balanced").fit(x, label).predict(x_test)

    def ours() -> None:
        found["ours"] = rbf_svm(x, label, x_test, [(1.0, gamma)])[0]

    times = take_turns({"SVC(kernel='rbf')": theirs, "our kernel": ours}, rounds)
    assert (found["svc"] == found["ours"]).all(), "the predictions differ"
    return faster(times, "SVC(kernel='rbf')", "our kernel")


def compare_linear(samples: Samples, rounds: int) -> dict[str, Any]:
    """Time both linear attackers, after a check that their accuracies are close."""
    return _compare(samples, rounds, "linear", {"C": 0.01}, LinearSVC(dual="auto", class_weight="balanced"))


def compare_boosting(samples: Samples, rounds: int) -> dict[str, Any]:
    """Time boosting with scikit-learn's own bins, of weighted quantiles, and with ours; likewise."""
    theirs = HistGradientBoostingClassifier(
        max_iter=100, max_leaf_nodes=15, max_bins=32, early_stopping=False,
        class_weight="balanced", random_state=0,
    )  # fmt: skip
    return _compare(samples, rounds, "boosting", {"rounds": 100}, theirs)


def _compare(
    samples: Samples, rounds: int, attacker: str, setting: Setting, theirs: BaseEstimator
) -> dict[str, Any]:
    half = len(samples.label) // 2
    x, x_test = standardise(samples.embedding[:half], samples.embedding[half:])
    label, truth, found = samples.label[:half], samples.label[half:], {}

    def by_theirs() -> None:
        found["theirs"] = (theirs.fit(x, label).predict(x_test) == truth).mean()

    def by_ours() -> None:
        found["ours"] = (attack(attacker, x, label, x_test, [setting], 0)[0] == truth).mean()

    name = type(theirs).__name__
    times = take_turns({name: by_theirs, f"our {attacker}": by_ours}, rounds)
    gap = float(found["ours"] - found["theirs"])
    print(f"accuracies {found['theirs']:.4f} and {found['ours']:.4f}")
    assert gap >= -LARGEST_GAP, f"the attacker {attacker} is less accurate than {name}"
    return faster(times, name, f"our {attacker}") | {"gap": gap}


def audit(samples: Samples) -> dict[str, Any]:
    """Measure seconds of every attacker with all scalings, wall clock and processor, and the peak memory."""
    clock, processors = {}, {}
    for attacker in ATTACKERS:
        start, used = time.perf_counter(), time.process_time()
        table = cross_fitted_leakage(samples, attackers=[attacker]).table
        clock[attacker] = round(time.perf_counter() - start, 1)
        processors[attacker] = round(time.process_time() - used, 1)
        read = ", ".join(f"{row.scaling} {row.balanced_accuracy:.4f}" for row in table.itertuples())
        print(f"{attacker}: {clock[attacker]} s, of processors {processors[attacker]} s; {read}", flush=True)
    return {
        "threads": torch.get_num_threads(),
        "seconds": clock,
        "minutes": round(sum(clock.values()) / 60, 2),
        "processor_minutes": round(sum(processors.values()) / 60, 2),
        "gibibytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
    }


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__, rounds=3)
    parser.add_argument("--samples", type=int, default=8000, help="of the comparisons (default: 8000)")
    parser.add_argument("--audit", type=int, default=0, help="embeddings to audit (default: none)")
    options = parser.parse_args()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    samples = make_samples(options.samples, COMPARED_DIMENSION)
    with threadpool_limits(1):
        found = {"rbf_svm": compare_svm(samples, options.rounds)}
        found["linear"] = compare_linear(samples, options.rounds)
        found["boosting"] = compare_boosting(samples, options.rounds)
    torch.set_num_threads(threads)
    if options.audit:
        found["audit"] = audit(make_samples(options.audit))
    print(json.dumps(found | {"goals": GOALS}))


if __name__ == "__main__":
    main()
