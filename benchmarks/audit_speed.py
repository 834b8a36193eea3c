"""How fast the attackers of an audit are, beside the usual ways, and what a whole leakage audit costs.

    python -m benchmarks.audit_speed [--rounds 3] [--audit 10000]

Constructed embeddings with a leak that is partly linear. An RBF-SVM on a kernel from a matrix product has to
predict what `SVC(kernel="rbf")` does; logistic regression by lbfgs has to come within half a point of
`LinearSVC(dual="auto")`, on embeddings of 2048 numbers. These sides take turns, in processor time of one
thread. `--audit N` also attacks N embeddings of 512 numbers by all attackers, tuned, standardised and raw,
and says what each took and the peak memory. The last line is JSON.
"""

import argparse
import json
import resource
import time
from typing import Any

import numpy as np
import torch
from sklearn.svm import SVC, LinearSVC

from benchmarks.embedding_batches import take_turns
from benchmarks.ratios import faster
from evaluation.attacks.attacker_grids import ATTACKERS
from evaluation.attacks.attackers import attack
from evaluation.leakage import leakage
from evaluation.probe_families import rbf_svm, standardise
from evaluation.probes import Samples

IMAGES, DIMENSION = 4, 512
COMPARED_DIMENSION = 2048  # that of the thesis' embeddings
GOALS = {"rbf_svm": 5.0, "linear": 10.0, "audit_minutes_on_two_cores": 10.0}
LARGEST_GAP = 0.005  # of the accuracies of the linear sides


def make_samples(count: int, width: int = DIMENSION) -> Samples:
    """Embeddings of people, four images each, that give away a class of two."""
    rng = np.random.default_rng(0)
    person = np.arange(count) // IMAGES
    label = rng.integers(2, size=count)
    x = rng.normal(size=(count, width)) + rng.normal(size=(person[-1] + 1, width))[person]
    x[:, 0] += 2 * label
    x[:, 1] *= 1 + label
    return Samples((x @ rng.normal(size=(width, width))).astype(np.float32), label, person)


def compare_svm(samples: Samples, rounds: int) -> dict[str, Any]:
    """Both ways to the same predictions."""
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
    """Both ways to about the same accuracy."""
    half = len(samples.label) // 2
    x, x_test = standardise(samples.embedding[:half], samples.embedding[half:])
    label, truth, found = samples.label[:half], samples.label[half:], {}

    def theirs() -> None:
        probe = LinearSVC(dual="auto", class_weight="balanced").fit(x, label)
        found["theirs"] = (probe.predict(x_test) == truth).mean()

    def ours() -> None:
        found["ours"] = (attack("linear", x, label, x_test, [{"C": 0.01}], 0)[0] == truth).mean()

    times = take_turns({"LinearSVC": theirs, "our lbfgs": ours}, rounds)
    gap = float(found["ours"] - found["theirs"])
    print(f"accuracies {found['theirs']:.4f} and {found['ours']:.4f}")
    assert gap >= -LARGEST_GAP, "the linear attacker is less accurate than LinearSVC"
    return faster(times, "LinearSVC", "our lbfgs") | {"gap": gap}


def audit(samples: Samples) -> dict[str, Any]:
    """Seconds of processor time of every attacker with both scalings, and the peak memory in GiB."""
    seconds = {}
    for attacker in ATTACKERS:
        start, wall = time.process_time(), time.perf_counter()
        table = leakage(samples, attackers=[attacker])
        seconds[attacker] = round(time.process_time() - start, 1)
        read = ", ".join(f"{row.scaling} {row.balanced_accuracy:.4f}" for row in table.itertuples())
        print(
            f"{attacker}: {seconds[attacker]} s, wall {time.perf_counter() - wall:.1f} s; {read}", flush=True
        )
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {
        "seconds": seconds,
        "minutes": round(sum(seconds.values()) / 60, 2),
        "gibibytes": round(memory, 2),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="repetitions (default: 3)")
    parser.add_argument("--samples", type=int, default=8000, help="of the two comparisons (default: 8000)")
    parser.add_argument("--audit", type=int, default=0, help="embeddings to audit (default: none)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    samples = make_samples(options.samples, COMPARED_DIMENSION)
    found = {
        name: f(samples, options.rounds) for name, f in (("rbf_svm", compare_svm), ("linear", compare_linear))
    }
    if options.audit:
        found["audit"] = audit(make_samples(options.audit))
    print(json.dumps(found | {"goals": GOALS}))


if __name__ == "__main__":
    main()
