r"""Measure a FaceNet, its embedding and its pooled features: verification, and what a linear probe reads.

    python -m benchmarks.facenet_figures --root DIR --out facenet \
        --weights DIR/weights/inception_resnet_v1_128_fp16.safetensors

DIR holds `lfw/` and `celeba/` as their authors ship them. Runs `recipes/prepare.py` (MTCNN, five landmarks,
160 pixels) and `recipes/embed.py` (pooled features, no mirror images) for both, which skip what is finished;
the embedding is computed from the pooled features by the network's last layer. Verification scores are
cosines: on LFW of the pairs of `pairs.txt`, with 95 % intervals over its folds; on CelebA of all pairs of
test images, with intervals over draws of the subjects. The linear probe is the audit's, with C = 1, on
standardised features of training images, tested on images of test subjects; balanced accuracy, intervals over
subjects.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from benchmarks.lfw_alignment import auc_eer, interval
from benchmarks.options import make_parser
from datamodules.annotations.lfw_pairs import read_pairs
from datamodules.contract import SPLITS
from datamodules.tables.embedding_table import EmbeddingTable
from evaluation.leakage.accuracies import accuracies
from evaluation.probes.attackers import attack
from evaluation.probes.standardise import standardise
from evaluation.samples.audited_samples import reindex, subsample_subjects
from evaluation.samples.wording import interval as shares
from evaluation.samples.wording import percent
from evaluation.verification.lfw_protocol import PairRows, listed_scores
from evaluation.verification.pair_scores import score_pairs
from lightning_modules.backbones.factory import build_backbone
from lightning_modules.backbones.inception import NAME
from recipes.command_line.config_lookup import RECIPES

NOT_STATED = (
    "What these weights were trained on is not stated unless their publisher says so: they may know subjects "
    "of LFW and of CelebA, so none of these figures is that of new subjects."
)
PROBED = ("male", "smiling")


def make_table(data: str, options: argparse.Namespace) -> EmbeddingTable:
    """Crop and embed a dataset, as far as that is not done yet."""
    root, crops, out = options.root / data, options.out / "crops" / data, options.out / f"{data}.safetensors"
    given = [f"--data.init_args.root={root}"]
    crop = ["--mode=align", f"--size={options.size}", f"--out={crops}", *given]
    if options.processes:
        crop.append(f"--processes={options.processes}")
    _run("prepare.py", f"--config=prepare/{data}.yaml", *crop)
    _run(
        "embed.py", "--config=embed.yaml", f"--config=data/{data}.yaml", *given, f"--out={out}",
        f"--data.init_args.crops={crops}", "--config=backbone/embed_facenet_pooled.yaml",
        f"--model.weights={options.weights}",
    )  # fmt: skip
    return EmbeddingTable.load(out)


def _run(recipe: str, *arguments: str) -> None:
    subprocess.run([sys.executable, str(RECIPES / recipe), *arguments], check=True)


@torch.inference_mode()
def features_of(pooled: Tensor, weights: str) -> dict[str, Tensor]:
    """Return the pooled features (n, 1792) and the embedding (n, width) that the last layer makes of them."""
    network: Any = build_backbone(NAME, weights=weights).eval().network
    embedding = normalize(network.last_bn(network.last_linear(pooled)))
    return {f"embedding, {embedding.shape[1]:,}": embedding, f"pooled, {pooled.shape[1]:,}": pooled}


def lfw_lines(table: EmbeddingTable, features: dict[str, Tensor], pairs_file: Path) -> Iterator[str]:
    """Verify the listed pairs; those with an image that has no crop are left out and counted."""
    pairs = read_pairs(pairs_file)
    place = {name: row for row, name in enumerate(table.sample_id)}
    first, second = (np.array([place.get(x, -1) for x in names]) for names in (pairs.first, pairs.second))
    for name, x in features.items():
        score = listed_scores(x, PairRows(first, second, pairs.same, pairs.fold), "cosine")
        kept = ~np.isnan(score)
        given = score[kept], pairs.same[kept], pairs.fold[kept]
        (auc, eer), (low, high) = auc_eer(*given[:2]), interval(*given)
        yield (
            f"LFW, {kept.sum():,} of {len(pairs):,} pairs, {name}: AUC {auc:.4f} "
            f"[{low[0]:.4f}, {high[0]:.4f}], EER {percent(eer)} {shares(low[1], high[1])}"
        )


def celeba_lines(table: EmbeddingTable, features: dict[str, Tensor], images: int) -> Iterator[str]:
    """Verify all pairs of test images: of all test subjects, and of as many as have `images` images."""
    test = np.flatnonzero(table.split == SPLITS.index("test"))
    identity = table.labels["identity"].numpy()[test]
    some = subsample_subjects(reindex(identity), images, seed=0)
    for rows in (some, np.arange(len(test))):
        for name, x in features.items():
            found = score_pairs(x[test[rows]], identity[rows]).summary().iloc[0]
            yield (
                f"CelebA, {len(rows):,} test images of {len(np.unique(identity[rows])):,} subjects "
                f"({found.genuine:,} genuine pairs), {name}: AUC {found.auc:.4f} "
                f"[{found.auc_low:.4f}, {found.auc_high:.4f}], EER {percent(found.eer)} "
                f"{shares(found.eer_low, found.eer_high)}"
            )


def probe_lines(table: EmbeddingTable, features: dict[str, Tensor], images: int) -> Iterator[str]:
    """Read attributes of test subjects by a linear probe that learned from `images` training images.

    Not by `held_out_leakage`, whose stronger penalty (C = 0.01) reads a point less of 1,792 numbers.
    """
    part = {split: np.flatnonzero(table.split == SPLITS.index(split)) for split in ("train", "test")}
    part["train"] = np.sort(np.random.default_rng(0).permutation(part["train"])[:images])
    for attribute in PROBED:
        for name, x in features.items():
            label, identity = (table.labels[key].numpy() for key in (attribute, "identity"))
            train, test = standardise(*(x.numpy()[part[split]] for split in ("train", "test")))
            (guess,) = attack("linear", train, label[part["train"]], test, [{"C": 1}], seed=0)
            true = label[part["test"]]
            found = accuracies(guess == true, true, identity[part["test"]])
            yield (
                f"CelebA, {attribute} from {len(train):,} training images, {name}: "
                f"{percent(found['balanced_accuracy'])} {shares(found['low'], found['high'])} "
                f"of {len(test):,} test images"
            )


def main() -> None:
    """Crop, embed, measure and print."""
    parser = make_parser(__doc__)
    parser.add_argument("--root", type=Path, required=True, help="folder that holds lfw/ and celeba/")
    parser.add_argument("--weights", required=True, help=f"state dict of {NAME}")
    parser.add_argument("--out", type=Path, required=True, help="folder for crops and embeddings")
    parser.add_argument("--processes", type=int, help="of the detection (default: one for each core)")
    parser.add_argument("--size", type=int, default=160, help="of the crops in pixels (default: %(default)s)")
    parser.add_argument(
        "--test_images", type=int, default=700, help="for the small test set (default: %(default)s)"
    )
    parser.add_argument(
        "--probe_images", type=int, default=1200, help="the probe learns from (default: %(default)s)"
    )
    options = parser.parse_args()
    for data in ("lfw", "celeba"):
        table = make_table(data, options)
        features = features_of(table.embedding, options.weights)
        lines = [lfw_lines(table, features, options.root / "lfw" / "pairs.txt")]
        if data == "celeba":
            lines = [
                celeba_lines(table, features, options.test_images),
                probe_lines(table, features, options.probe_images),
            ]
        for found in lines:
            print(*found, sep="\n", flush=True)
    print(NOT_STATED)


if __name__ == "__main__":
    main()
