"""Measure erasers of an embedding table: leakage to several attackers, and verification.

    python -m benchmarks.transport_and_blur x.safetensors --sensitive male --work DIR
    python -m benchmarks.transport_and_blur x.safetensors --sensitive smiling --work DIR --bound 0.02

A setting is `erasure:components:sigma` (transport and blur), `matching:dimensions:weight`, `leace` or `raw`;
`--bound` adds the transport that the rule chooses on validation subjects. Attackers with their default
settings learn from the embeddings of validation subjects, alone and together with the training subjects (of
which the eraser has learned), and are tested on test subjects; from standardised features and from the
embeddings as they are, whose neighbours noise hides less.
With `--crowd unseen` the eraser learns from half of the training subjects, and the attackers from the other
half and the validation subjects: people whom it has not seen. Verification is by the cosine over all pairs of
test images, and over those of one class. Finished rows in DIR are not computed again.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import balanced_accuracy_score

from benchmarks.options import make_parser
from datamodules.contract import SPLITS
from datamodules.tables.embedding_table import EmbeddingTable
from evaluation.erasers.leace import fit_leace
from evaluation.erasers.matching_fit import fit_matching
from evaluation.erasers.transport_choice import choose_transport
from evaluation.erasers.transport_fit import ERASURES, fit_transport
from evaluation.leakage.reduction import leakage_reduction
from evaluation.probes.attacker_table import TABLE, Attacker, scalings_of
from evaluation.probes.attackers import attack, predict
from evaluation.probes.standardise import Scaling, scale_rows
from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.labelled_samples import Samples, subjects_of
from evaluation.samples.subject_folds import drawn_subjects
from evaluation.verification.pair_scores import score_pairs

ATTACKERS: tuple[Attacker, ...] = ("linear", "mlp", "rbf_svm", "kernel_rbf", "forest", "knn", "boosting")
_SCALINGS: tuple[Scaling, ...] = ("standardised", "raw")
_MOST = 5000  # samples that attackers whose time grows faster than linearly learn from
_KEY = "00" * 32  # known to all: these rows are measured, not protected


@dataclass(frozen=True)
class Roles:
    """Rows (N,) bool of a table: those that the eraser, the attackers and both tests take."""

    eraser: np.ndarray
    sources: dict[str, np.ndarray]
    test: np.ndarray
    validation: np.ndarray


def make_roles(split: Ints, subjects: Ints, crowd: str, seed: int) -> Roles:
    """Divide the rows; half of the training subjects are drawn for an unseen crowd."""
    train, validation, test = (split == place for place in range(len(SPLITS)))
    if crowd == "seen":
        return Roles(train, {"val": validation, "train+val": train | validation}, test, validation)
    fitted = train.copy()
    fitted[train] = drawn_subjects(subjects[train], 0.5, seed)
    return Roles(fitted, {"other half+val": (train & ~fitted) | validation}, test, validation)


def read(
    w: Floats, label: Ints, roles: Roles, attackers: Sequence[Attacker], seed: int
) -> Iterator[dict[str, Any]]:
    """Attack with each attacker, scaling and source of training samples; yield the balanced accuracy."""
    for source, rows in roles.sources.items():
        rows = np.flatnonzero(rows)
        some = np.random.default_rng(seed).permutation(rows)[:_MOST]
        for attacker, scaling in ((one, x) for one in attackers for x in scalings_of(one, _SCALINGS)):
            # the closed form takes all rows, as the boundary of a strong attacker is local
            chosen = some if TABLE[attacker].subsampled and attacker != "kernel_rbf" else rows
            x, x_test = scale_rows(w[chosen], w[roles.test], scaling)
            if attacker == "mlp":
                found = predict("mlp", x, label[chosen], x_test, seed)
            else:
                found = attack(attacker, x, label[chosen], x_test, [TABLE[attacker].default], seed)[0]
            score = balanced_accuracy_score(label[roles.test], found)
            print(f"{attacker}, {scaling}, from {source}: {score:.4f}", flush=True)
            one = {"attacker": attacker, "scaling": scaling, "learned_from": source}
            yield one | {"balanced_accuracy": score}


def verify(w: Floats, subjects: Ints, label: Ints) -> dict[str, float]:
    """Compute AUC and EER over all pairs, and the AUC with impostors of the same class alone."""
    every, within = (score_pairs(w, subjects, draws=0, group=group).summary() for group in (None, label))
    auc, eer = every.loc[0, ["auc", "eer"]]
    return {"auc": auc, "eer": eer, "auc_within_classes": within.loc[0, "auc"]}


def erased(x: Floats, label: Ints, subjects: Ints, roles: Roles, setting: str, seed: int) -> Floats:
    """Erase all rows by a setting, or by the rule for `bound=0.02`."""
    train, validation = (
        Samples(x[part], label[part], subjects[part]) for part in (roles.eraser, roles.validation)
    )
    if setting.startswith("bound="):
        chosen = choose_transport(train, validation, float(setting[6:]), key=_KEY, seed=seed)
        print(chosen.candidates.to_string(), flush=True)
        return chosen.eraser(x)
    return fit_setting(train, setting, seed)(x)


def fit_setting(train: Samples, setting: str, seed: int) -> Callable[[Floats], Floats]:
    """Fit `raw` (nothing is erased), `leace`, `matching:...` or `erasure:...` to samples with subjects."""
    if setting == "raw":
        return np.asarray
    if setting == "leace":
        return fit_leace(train.embedding, train.label)
    arrays = train.embedding, train.label, subjects_of(train)
    erasure, size, strength = setting.split(":")
    if erasure == "matching":
        return fit_matching(*arrays, dimensions=int(size), weight=float(strength), seed=seed)
    return fit_transport(
        *arrays, components=int(size), sigma=float(strength),
        erasure=next(name for name in ERASURES if name == erasure), key=_KEY, seed=seed,
    )  # fmt: skip


def main() -> None:
    """Run what DIR does not hold yet, and print the table."""
    parser = make_parser(__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("--sensitive", required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--settings", nargs="*", default=["raw", "transport:64:0.5", "leace:64:0.5"])
    parser.add_argument("--bound", type=float, nargs="*", default=[])
    parser.add_argument("--crowd", choices=["seen", "unseen"], default="seen")
    parser.add_argument("--attackers", nargs="+", choices=ATTACKERS, default=list(ATTACKERS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    args = parser.parse_args()
    table = EmbeddingTable.load(args.table)
    x, label, subjects = table.embedding.double().numpy(), *(
        table.labels[name].numpy() for name in (args.sensitive, "identity")
    )  # fmt: skip
    folder = args.work / f"{args.table.stem}-{args.sensitive}-{args.crowd}"
    folder.mkdir(parents=True, exist_ok=True)
    for seed in args.seeds:
        roles = make_roles(table.split.numpy(), subjects, args.crowd, seed)
        for setting in [*args.settings, *(f"bound={bound:g}" for bound in args.bound)]:
            path = folder / f"{setting.replace(':', '_')}-{seed}.csv"
            if path.exists():
                continue
            w = erased(x, label, subjects, roles, setting, seed)
            cost = verify(w[roles.test], subjects[roles.test], label[roles.test])
            print(setting, cost, flush=True)
            rows = pd.DataFrame(read(w, label, roles, args.attackers, seed))
            rows.assign(setting=setting, seed=seed, **cost).to_csv(path, index=False)
    report(folder, len(table.attributes[args.sensitive]))


def report(folder: Path, classes: int) -> None:
    """Print the strongest attacker of each setting, with the share of the way to chance."""
    rows = pd.concat([pd.read_csv(path) for path in sorted(folder.glob("*.csv"))])
    best = rows.sort_values("balanced_accuracy").groupby(["setting", "seed"]).tail(1).sort_values("setting")
    raw = best[best["setting"] == "raw"].set_index("seed")["balanced_accuracy"]
    best["removed"] = [
        leakage_reduction(raw[seed], after, 1 / classes, np.nan) if seed in raw.index else np.nan
        for seed, after in zip(best["seed"], best["balanced_accuracy"], strict=True)
    ]
    print(best.to_string(index=False))


if __name__ == "__main__":
    main()
