"""Measure what every method removes from an embedding, and its cost: one table, several seeds.

    python -m benchmarks.blindness synthetic --work DIR [--seeds 0 1 2] [--methods lntl dann ...]
    python -m benchmarks.blindness celeba --sensitive male --root CELEBA --weights recogniser.onnx --work DIR

Probes of four families predict the attribute from the standardised embeddings of test subjects. They are
trained
twice: on the subjects of the validation split, whom the method has not seen, and on those and the training
    split,
which are more. The strongest of all counts, before and after, so it is an upper estimate of both. `removed`
is equation 4.1 of the thesis on balanced accuracies. Verification is over all pairs of test images.

`synthetic`: a population of 700 synthetic identities per seed, the shipped recogniser, the emotion to be
hidden. Classifiers (of gender) train their last stage on images by their configuration in configs/; methods
that work on the recogniser's embedding only train on a table of it. `celeba`: image plus mirror image; the
data are the same for all seeds, which are those of the training only. Finished rows in DIR are not computed
again.
"""

import argparse
import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from pytorch_lightning import Trainer, seed_everything
from torch import Tensor

from benchmarks.blindness_methods import CLASSIFIERS, ERASERS, SUPPRESSORS
from benchmarks.embedding import embed
from benchmarks.options import make_parser
from datamodules.base import FaceDataModule
from datamodules.celeba import CelebA
from datamodules.contract import SPLITS
from datamodules.embeddings import Embeddings
from datamodules.synthetic_faces import SyntheticFaces
from datamodules.tables.embedding_table import EmbeddingTable
from datamodules.train_orders import IdentityBatches
from evaluation.leakage.accuracies import strongest
from evaluation.leakage.held_out_leakage import held_out_leakage
from evaluation.leakage.reduction import leakage_reduction
from evaluation.plots.style import save_figure
from evaluation.plots.tradeoff_plot import plot_tradeoff
from evaluation.samples.labelled_samples import Samples
from evaluation.verification.all_pairs import verification
from lightning_modules.backbones.factory import build_backbone
from lightning_modules.sensitivenets_variant import SensitiveNetsVariant
from recipes.command_line.config_lookup import TRAIN
from recipes.embedding.embedder import load_embedder


def measure(table: EmbeddingTable, embedding: Tensor, sensitive: str, seed: int) -> dict[str, Any]:
    """Measure how well the strongest probe reads the attribute of test subjects, and their verification."""
    label, identity = (table.labels[name].numpy() for name in (sensitive, "identity"))
    part = {name: (table.split == place).numpy() for place, name in enumerate(SPLITS)}
    rows = {"val": part["val"], "train+val": part["train"] | part["val"]}
    x = embedding.numpy()
    test = Samples(x[part["test"]], label[part["test"]], identity[part["test"]])
    tables = []
    for name, chosen in rows.items():
        found = held_out_leakage(Samples(x[chosen], label[chosen], identity[chosen]), test, seed=seed)
        tables.append(found.assign(learned_from=name))
    best = strongest(pd.concat(tables, ignore_index=True))
    auc = verification(embedding[part["test"]], table.labels["identity"][part["test"]]).auc
    names = ["family", "learned_from", "balanced_accuracy", "low", "high", "chance"]
    return {**{name: best[name] for name in names}, "auc": auc}


def suppress(path: Path, table: EmbeddingTable, sensitive: str, seed: int, options: dict[str, Any]) -> Tensor:
    """Train SensitiveNets on a table and return the embeddings (n, width)."""
    seed_everything(seed, verbose=False)
    order = None if options.get("keep") == "similarities" else IdentityBatches()
    data = Embeddings(str(path), batch_size=128, seed=seed, train_order=order)
    if options["target"] == "one":
        classes = table.attributes[sensitive]
        options = options | {"target": "neutral" if "neutral" in classes else classes[0]}
    width = table.embedding.shape[1]
    module = SensitiveNetsVariant(
        attributes={name: list(classes) for name, classes in table.attributes.items()},
        sensitive=sensitive,
        backbone="precomputed",
        backbone_options={"num_features": width},
        **{"width": width, **options} if options.get("init") == "identity" else options,
    )
    quiet: dict[str, Any] = {"logger": False, "enable_checkpointing": False, "enable_model_summary": False}
    trainer = Trainer(
        max_epochs=-1, accelerator="cpu", limit_val_batches=0, enable_progress_bar=False, **quiet
    )
    trainer.fit(module, data)
    with torch.inference_mode():
        return module.eval().embed(table.embedding.float())


def classify(work: Path, config: list[str], name: str, seed: int) -> tuple[FaceDataModule, Any, float]:
    """Train a classifier with the command line; return data, module of the best checkpoint, and accuracy."""
    root = work / "runs" / f"seed_{seed}"
    if not list(root.glob(f"{name}/*/test_done")):
        command = [sys.executable, str(TRAIN), *config, "--seed_everything", str(seed), "--experiment", name]
        command += ["--trainer.default_root_dir", str(root), "--trainer.logger", "false"]
        command += ["--trainer.callbacks", "null", "--trainer.accelerator", "cpu"]
        subprocess.run(command, check=True)
        (max(root.glob(f"{name}/*/config.yaml")).parent / "test_done").touch()
    folder = next(root.glob(f"{name}/*/test_done")).parent
    trained = load_embedder(folder / "checkpoints" / "best.ckpt")
    accuracy = pd.read_csv(folder / "metrics.csv")["test/accuracy"].dropna().iloc[-1]
    return SyntheticFaces(seed=seed, batch_size=250), trained, float(accuracy)


def main() -> None:
    """Run what DIR does not hold yet, and print the table."""
    parser = make_parser(__doc__)
    parser.add_argument("data", choices=["synthetic", "celeba"])
    parser.add_argument("--work", type=Path, required=True, help="folder of tables, runs and blindness.csv")
    parser.add_argument("--sensitive", default="emotion")
    parser.add_argument("--root", help="CelebA's folder")
    parser.add_argument("--weights", help="the recogniser of CelebA's faces, .onnx")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    every = [*ERASERS, *SUPPRESSORS, *CLASSIFIERS]
    parser.add_argument("--methods", nargs="+", choices=every, help="default: all that suit the data")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    methods = args.methods or (every if args.data == "synthetic" else [*ERASERS, *SUPPRESSORS])
    for method, seed in itertools.product(["recogniser", *methods], args.seeds):
        out = args.work / "rows" / f"{args.data}-{args.sensitive}-{method}-{seed}.csv"
        if not out.exists():
            path = args.work / (
                f"synthetic_{seed}.safetensors" if args.data == "synthetic" else "celeba.safetensors"
            )
            if not path.exists():
                before = make_table(args, seed)
                before.save(path)
            row = one(args, method, seed, path, EmbeddingTable.load(path))
            out.parent.mkdir(exist_ok=True)
            pd.DataFrame([row]).to_csv(out, index=False)
            print(row, flush=True)
    report(args.work, args.data, args.sensitive)


def make_table(args: argparse.Namespace, seed: int) -> EmbeddingTable:
    """Make the table of the recogniser's own embeddings."""
    if args.data == "synthetic":
        data: FaceDataModule = SyntheticFaces(seed=seed, batch_size=250)
        return embed(data, build_backbone("synthetic_recogniser").eval())
    data = CelebA(args.root, size=112, batch_size=100)
    return embed(data, build_backbone("onnx", weights=args.weights).eval(), mirror=True)


def one(
    args: argparse.Namespace, method: str, seed: int, path: Path, table: EmbeddingTable
) -> dict[str, Any]:
    """Compute the row of a method and a seed."""
    accuracy = float("nan")
    train = (table.split == 0).numpy()
    x = table.embedding.float()
    if method in CLASSIFIERS:
        data, module, accuracy = classify(args.work, CLASSIFIERS[method], method, seed)
        after = embed(data, module.embed).embedding
    elif method in SUPPRESSORS:
        after = suppress(path, table, args.sensitive, seed, SUPPRESSORS[method])
    elif method in ERASERS:
        eraser = ERASERS[method](x[train].numpy(), table.labels[args.sensitive][train].numpy())
        after = torch.from_numpy(eraser(x.numpy())).float()
    else:
        after = x
    found = measure(table, after, args.sensitive, seed)
    return {"method": method, "seed": seed, **found, "task_accuracy": accuracy}


def report(work: Path, data: str, sensitive: str) -> None:
    """Print mean and standard deviation over the seeds; plot leakage against verification."""
    files = sorted((work / "rows").glob(f"{data}-{sensitive}-*.csv"))
    rows = pd.concat([pd.read_csv(file) for file in files])
    before = rows[rows["method"] == "recogniser"].set_index("seed")
    of_seed = before.loc[rows["seed"]].reset_index()
    rows = rows.reset_index(drop=True)
    read = (of_seed["balanced_accuracy"], rows["balanced_accuracy"], rows["chance"], of_seed["low"])
    rows["removed"] = [leakage_reduction(*figures) for figures in zip(*read, strict=True)]
    rows["auc_loss"] = of_seed["auc"] - rows["auc"]
    rows.to_csv(work / f"{data}-{sensitive}.csv", index=False)
    figures = ["balanced_accuracy", "removed", "auc", "auc_loss", "task_accuracy"]
    summary = rows.groupby("method", sort=False)[figures].agg(["mean", "std"]).round(4)
    summary["probes", ""] = rows.groupby("method")["family"].agg(lambda x: ", ".join(sorted(set(x))))
    summary["seeds", ""] = rows.groupby("method").size()
    print(summary.sort_values(("balanced_accuracy", "mean"), ascending=False).to_string())
    means = rows.groupby("method", sort=False)[["balanced_accuracy", "auc"]].mean().reset_index()
    points = means.rename(columns={"method": "representation", "balanced_accuracy": "leakage"})
    figure = plot_tradeoff(points, chance=rows["chance"].iloc[0], control="recogniser")
    save_figure(figure, work, f"{data}-{sensitive}")


if __name__ == "__main__":
    main()
