"""Time the verification of all pairs of embeddings, and its memory.

    OMP_NUM_THREADS=1 python -m benchmarks.verification_speed [--samples 10000 --features 2048 --rounds 5]

The usual way multiplies the matrix with itself, takes the upper triangle and passes it to scikit-learn's
roc_curve, all in 32 bits. Ours is `evaluation.verification.all_pairs`. Each side runs in a process of its
own, in turns: processor time of one thread, and the growth of the process' memory from the embeddings to its
peak. Embeddings are random, four per identity; `--table` takes those of a table. The AUC of both sides is
compared, and with that of 64-bit scores (`--exact false` leaves that out). Prints the median and range over
the rounds, and a line of JSON.
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.options import make_parser
from benchmarks.timing import faster
from datamodules.tables.embedding_table import EmbeddingTable
from evaluation.verification.all_pairs import verification

SIDES = ("usual", "ours")
_NOISE = 3.0  # of an image relative to its identity; the equal error rate is a few percent


def make_embeddings(samples: int, features: int) -> tuple[np.ndarray, np.ndarray]:
    """Make (N, D) float32 embeddings and (N,) identities."""
    rng = np.random.default_rng(0)
    identity = np.arange(samples) // 4
    x = rng.standard_normal((identity[-1] + 1, features), np.float32)[identity]
    x += np.float32(_NOISE) * rng.standard_normal(x.shape, np.float32)
    return x, identity


def read_embeddings(table: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read the same from a table."""
    read = EmbeddingTable.load(table)
    return read.embedding.float().numpy(), read.labels["identity"].numpy()


def usual(x: np.ndarray, identity: np.ndarray) -> tuple[float, float]:
    """Compute AUC and EER from the whole matrix, in the precision of `x`."""
    from sklearn.metrics import auc, roc_curve

    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    i, j = np.triu_indices(len(x), 1)
    fmr, tmr, _ = roc_curve(identity[i] == identity[j], (unit @ unit.T)[i, j])
    return float(auc(fmr, tmr)), float(fmr[np.argmin(np.abs(fmr - (1 - tmr)))])


def ours(x: np.ndarray, identity: np.ndarray) -> tuple[float, float]:
    """Compute AUC and EER by tiles."""
    return verification(torch.from_numpy(x), torch.from_numpy(identity))[:2]


def measure(side: str, x: np.ndarray, identity: np.ndarray) -> dict[str, float]:
    """Measure processor milliseconds, growth of memory in MB, and the results of a side in this process."""
    find = usual if side == "usual" else ours
    find(x[:600], identity[:600])  # loads and sets up everything once
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    start = time.process_time()
    auc, eer = find(x, identity)
    spent = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"ms": spent * 1e3, "mb": (peak - pages * resource.getpagesize()) / 1e6, "auc": auc, "eer": eer}


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__, rounds=5)
    parser.add_argument("--samples", type=int, default=10_000, help="embeddings (default: 10000)")
    parser.add_argument("--features", type=int, default=2048, help="of an embedding (default: 2048)")
    parser.add_argument("--table", type=Path, help="an embedding table to take in place of random numbers")
    parser.add_argument("--side", choices=SIDES, help="measure this side alone, in this process")
    parser.add_argument("--exact", choices=("true", "false"), default="true", help="compare with 64 bits")
    options = parser.parse_args()
    torch.set_num_threads(1)
    x, identity = (
        read_embeddings(options.table)
        if options.table
        else make_embeddings(options.samples, options.features)
    )
    if options.side:
        print(json.dumps(measure(options.side, x, identity)))
        return
    command = [sys.executable, "-m", "benchmarks.verification_speed", *sys.argv[1:], "--side"]
    rounds = []
    for _ in range(options.rounds):
        texts = (subprocess.run([*command, s], check=True, capture_output=True).stdout for s in SIDES)
        rounds.append(dict(zip(SIDES, map(json.loads, texts), strict=True)))
    print(
        f"torch {torch.__version__}, {x.shape[0]:,} x {x.shape[1]:,}, {options.rounds} rounds: median (range)"
    )
    costs = {unit: {side: [x[side][unit] for x in rounds] for side in SIDES} for unit in ("ms", "mb")}
    found = {unit: faster(times, *SIDES, unit) for unit, times in costs.items()}
    results = {side: (rounds[0][side]["auc"], rounds[0][side]["eer"]) for side in SIDES}
    if options.exact == "true":
        results["64 bits"] = usual(x.astype(np.float64), identity)
    differences = {side: results["ours"][0] - auc for side, (auc, _) in results.items() if side != "ours"}
    print(json.dumps({**found, "auc_eer": results, "auc_of_ours_minus": differences}))


if __name__ == "__main__":
    main()
