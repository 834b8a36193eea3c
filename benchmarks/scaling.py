"""Measure how the cost of an audit grows with the number of images, identities, classes and features.

    OMP_NUM_THREADS=1 python -m benchmarks.scaling [--samples 1000 2000 4000 8000]

Constructed embeddings, four images per identity unless stated otherwise. Processor seconds of one thread, and
the exponent of growth between the ends: 1 is linear, 2 quadratic. Attackers have fixed settings and five
folds, one scaling. Parts of negligible cost (rates, tables, figures) are left out. An audit of several
attributes or representations costs the sum of theirs. The last line is JSON.
"""

import json
import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch

from benchmarks.options import make_parser
from evaluation.leakage.cross_fitted_leakage import cross_fitted_leakage
from evaluation.leakage.permutation_null import permutation_tests
from evaluation.probes.attacker_table import ATTACKERS
from evaluation.samples.labelled_samples import Samples
from evaluation.verification.all_pairs import verification

BASE = {"samples": 4000, "images": 4, "classes": 2, "features": 128}
"""Fixed values while another one grows."""

GROWING = {"images": (2, 8, 32), "classes": (2, 4, 8), "features": (64, 128, 256, 512)}


def make_samples(samples: int, images: int, classes: int, features: int) -> Samples:
    """Make embeddings of identities that leak a class to a linear attacker."""
    rng = np.random.default_rng(0)
    person = np.arange(samples) // images
    label = rng.integers(classes, size=samples)
    x = rng.normal(size=(samples, features)) + rng.normal(size=(person[-1] + 1, features))[person]
    x[np.arange(samples), label] += 2
    return Samples(x.astype(np.float32), label, person)


def parts() -> dict[str, Callable[[Samples], object]]:
    """Return the parts of an audit as functions of samples."""
    attacks: dict[str, Callable[[Samples], object]] = {
        name: partial(cross_fitted_leakage, attackers=[name], scalings=["standardised"], tune=False)
        for name in ATTACKERS
    }
    return {
        "verification": lambda x: verification(torch.from_numpy(x.embedding), torch.from_numpy(x.identity)),
        **attacks,
        "permutation test, 99": partial(permutation_tests, permutations=99),
    }


def seconds(work: Callable[[Samples], object], samples: Samples) -> float:
    """Measure processor seconds."""
    start = time.process_time()
    work(samples)
    return time.process_time() - start


def growth(what: str, sizes: Sequence[int]) -> dict[str, Any]:
    """Measure seconds of every part at every size, and the exponents."""
    found: dict[str, Any] = {}
    for name, work in parts().items():
        made = [make_samples(**{**BASE, what: size}) for size in sizes]
        took = [seconds(work, samples) for samples in made]
        exponent = math.log(took[-1] / took[0]) / math.log(sizes[-1] / sizes[0])
        shown = ", ".join(f"{size:,}: {value:.2f} s" for size, value in zip(sizes, took, strict=True))
        print(f"{what}, {name}: {shown}; exponent {exponent:.2f}", flush=True)
        found[name] = {"seconds": [round(x, 3) for x in took], "exponent": round(exponent, 2)}
    return {"sizes": list(sizes), **found}


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__)
    parser.add_argument("--samples", type=int, nargs="+", default=[1000, 2000, 4000, 8000])
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}; where something else grows: {BASE}")
    found = {what: growth(what, sizes) for what, sizes in {"samples": options.samples, **GROWING}.items()}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
