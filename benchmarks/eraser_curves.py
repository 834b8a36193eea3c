"""Measure how an eraser depends on the subjects it learns from, and on those its attackers learn from.

    python -m benchmarks.eraser_curves x.safetensors --sensitive gender --work DIR [--figure curves.svg]

Half of the training subjects belong to the eraser, the other half to the attackers. First the eraser learns
from a share of its half, and the attackers from all of theirs; then the other way round. All attackers also
learn from the test subjects of other folds, whom the eraser has not seen either, and the strongest counts. A
setting is `raw`, `leace`, `erasure:components:sigma` (transport and blur) or `matching:dimensions:weight`.
Finished points in DIR are not measured again. Prints mean and standard deviation over the seeds.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from rich.progress import track

from benchmarks.options import make_parser
from benchmarks.transport_and_blur import fit_setting
from datamodules.contract import SPLITS
from datamodules.tables.embedding_table import EmbeddingTable
from evaluation.leakage.cross_fitted_leakage import cross_fitted_leakage
from evaluation.leakage.strongest_reading import strongest_reading
from evaluation.plots.eraser_curves_plot import plot_eraser_curves
from evaluation.samples.labelled_samples import Samples, known_samples, subjects_of, take_samples
from evaluation.samples.subject_folds import drawn_subjects
from evaluation.verification.pair_scores import score_pairs

ATTACKERS = ["linear", "knn", "qda", "kernel_rbf"]  # the strongest ones of the studies, and seconds each
SETTINGS = ["raw", "leace", "transport:24:0"]
SHARES = (0.125, 0.25, 0.5, 1.0)


class Point(NamedTuple):
    """One measurement: a setting, and shares of the two halves of the training subjects."""

    setting: str
    of_eraser: float
    of_attackers: float
    seed: int

    @property
    def name(self) -> str:
        """The name of its file."""
        return "_".join(str(part) for part in self).replace(":", "-")


def points(settings: list[str], seeds: list[int]) -> Iterator[Point]:
    """List the points of both curves, each once."""
    for setting in settings:
        varied = [] if setting == "raw" else [(share, 1.0) for share in SHARES[:-1]]
        for seed in seeds:
            for shares in [*varied, *((1.0, share) for share in SHARES)]:
                yield Point(setting, *shares, seed)


def measure(train: Samples, tested: Samples, point: Point, attackers: list[str]) -> dict[str, Any]:
    """Fit an eraser to its subjects, and attack it."""
    half = drawn_subjects(subjects_of(train), 0.5, point.seed)
    mine, others = take_samples(train, half), take_samples(train, ~half)
    mine = take_samples(mine, drawn_subjects(subjects_of(mine), point.of_eraser, point.seed))
    others = take_samples(others, drawn_subjects(subjects_of(others), point.of_attackers, point.seed))
    erase = fit_setting(mine, point.setting, point.seed)
    test = tested._replace(embedding=erase(tested.embedding))
    found = cross_fitted_leakage(
        test, attackers=attackers, scalings=("standardised", "raw"), folds=3, tune=False,
        extra=others._replace(embedding=erase(others.embedding)), seed=point.seed,
    )  # fmt: skip
    strongest = strongest_reading(test.label, subjects_of(test), found.correct)
    verified = score_pairs(test.embedding, np.asarray(test.identity), draws=0).summary()
    people = {
        "eraser_subjects": len(np.unique(subjects_of(mine))),
        "attacker_subjects": len(np.unique(subjects_of(others))),
    }
    reading = {"balanced_accuracy": strongest.balanced_accuracy, "low": strongest.low, "high": strongest.high}
    attacker, scaling = found.table.loc[strongest.row, ["attacker", "scaling"]]
    return {**people, **reading, "attacker": attacker, "scaling": scaling, "auc": verified.loc[0, "auc"]}


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Average over the seeds: one row for each setting and numbers of subjects."""
    keys = ["setting", "of_eraser", "of_attackers"]
    by_point = rows.groupby(keys, sort=False)
    table = by_point[["eraser_subjects", "attacker_subjects", "balanced_accuracy", "auc"]].mean()
    table.insert(3, "sd", by_point["balanced_accuracy"].std())
    return table.assign(seeds=by_point.size()).reset_index()


def main() -> None:
    """Measure what DIR does not hold yet, print the table and draw it."""
    parser = make_parser(__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("--sensitive", required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--settings", nargs="+", default=SETTINGS)
    parser.add_argument("--attackers", nargs="+", default=ATTACKERS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--figure", type=Path)
    args = parser.parse_args()
    table = EmbeddingTable.load(args.table)
    label, subjects = (table.labels[name].numpy() for name in (args.sensitive, "identity"))
    every = Samples(table.embedding.double().numpy(), label, subjects)
    split = table.split.numpy()
    train, tested = (
        known_samples(take_samples(every, split == SPLITS.index(name)), name) for name in ("train", "test")
    )
    folder = args.work / f"{args.table.stem}-{args.sensitive}"
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for point in track(list(points(args.settings, args.seeds)), description="fitting and attacking"):
        path = folder / f"{point.name}.csv"
        if not path.exists():
            pd.DataFrame([measure(train, tested, point, args.attackers)]).to_csv(path, index=False)
        rows.append(pd.read_csv(path).assign(**point._asdict()))
    found = summary(pd.concat(rows))
    print(found.to_string(index=False))
    if args.figure:
        plot_eraser_curves(found, chance=1 / len(table.attributes[args.sensitive])).savefig(args.figure)


if __name__ == "__main__":
    main()
