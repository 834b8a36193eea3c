"""Audit erasers on a table of few subjects: cross-validation by subject, the eraser refitted in each fold.

    python -m benchmarks.refitted_erasers --table posed.safetensors --sensitive emotion --repeats 3
    python -m benchmarks.refitted_erasers --table posed.safetensors --sensitive emotion --method leace

Prints the balanced accuracy of each attacker with its 95 % interval over subjects, and the verification AUC
and EER among left-out subjects (mean over folds, range over repeats), for each crowd that attackers learn
from; see `evaluation/leakage/refitted_erasure.py`. Without `--method` nothing is erased. A random division
of the images, `--by_image`, is a control that shows what a division by subject prevents.
"""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.options import make_parser
from datamodules.tables.embedding_table import EmbeddingTable
from evaluation.erasers.methods import FITS, Method, fit_method
from evaluation.leakage.refitted_erasure import CROWDS, ErasureReadings, Fit, refitted_erasure
from evaluation.samples.labelled_samples import Samples


def eraser_of(method: Method | None, options: dict[str, Any]) -> Fit:
    """Return a function that fits an eraser; None erases nothing."""
    if method is None:
        return lambda x, label, subjects: np.asarray
    return partial(fit_method, method, **options)


def report(crowd: str, found: ErasureReadings) -> None:
    """Print one line for each attacker, and one for verification."""
    first = found.table.iloc[0]
    print(
        f"{crowd} crowd: {first['n']} images of {first['people']} subjects, chance {first['chance']:.3f}; "
        f"AUC {_range(found.auc)}, EER {_range(found.eer)}"
    )
    for row in found.table.to_dict("records"):
        interval = f"[{row['low']:.3f}, {row['high']:.3f}]"
        print(
            f"  {row['attacker']:12} {row['scaling']:12} {row['balanced_accuracy']:.3f} {interval}",
            flush=True,
        )


def _range(values: np.ndarray) -> str:
    return f"{values.mean():.4f} ({values.min():.4f} to {values.max():.4f})"


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__)
    parser.add_argument("--table", type=Path, required=True, help="embedding table with identities")
    parser.add_argument("--sensitive", required=True, help="the attribute to erase and attack")
    parser.add_argument("--method", choices=list(FITS), help="eraser; default: none")
    parser.add_argument("--options", type=json.loads, default={}, help="of the eraser, as JSON")
    parser.add_argument("--crowds", nargs="+", choices=CROWDS, default=["seen"])
    parser.add_argument("--attackers", nargs="+", default=["linear", "mlp", "rbf_svm"])
    parser.add_argument("--scalings", nargs="+", default=["standardised"])
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--by_image", action="store_true", help="control: each image is a subject of its own")
    args = parser.parse_args()
    table = EmbeddingTable.load(args.table)
    identity = None if args.by_image else table.labels["identity"].numpy()
    samples = Samples(table.embedding.double().numpy(), table.labels[args.sensitive].numpy(), identity)
    for crowd in args.crowds:
        chosen = {name: getattr(args, name) for name in ("attackers", "scalings", "folds", "repeats", "seed")}
        report(crowd, refitted_erasure(samples, eraser_of(args.method, args.options), crowd=crowd, **chosen))


if __name__ == "__main__":
    main()
