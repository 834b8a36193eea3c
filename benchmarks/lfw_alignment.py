r"""Check whether prepared crops suit a recogniser: verify the pairs of LFW on them.

    python recipes/prepare.py --config prepare/lfw.yaml --data.init_args.root LFW --mode align \
        --select center --out crops/lfw_112
    python -m benchmarks.lfw_alignment --crops crops/lfw_112 --pairs LFW/pairs.txt --weights recogniser.onnx

A pair's score is the cosine of two embeddings, each the sum over the crop and its mirror image. Prints AUC
and equal error rate with 95 % intervals over folds, whose subjects are disjoint. A pair without a crop has no
score: these are counted, and the figures are given without them, and with each of them taken as an error.
"""

from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import roc_auc_score, roc_curve
from torch.nn.functional import normalize

from benchmarks.options import make_parser
from datamodules.annotations.lfw_pairs import read_pairs
from datamodules.cropping.crop_store import CropStore
from lightning_modules.backbones.factory import build_backbone


@torch.inference_mode()
def embed(store: CropStore, rows: np.ndarray, weights: str, batch_size: int = 64) -> np.ndarray:
    """Embed the crops at `rows` (n,) as (n, D) unit vectors."""
    backbone = build_backbone("onnx", weights=weights).eval()
    read = store.source(rows)
    parts = []
    for places in np.array_split(np.arange(len(rows)), -(-len(rows) // batch_size)):
        image = torch.from_numpy(read(places)).permute(0, 3, 1, 2)
        parts.append(normalize(backbone(image) + backbone(image.flip(-1))))
    return torch.cat(parts).numpy()


def auc_eer(score: np.ndarray, same: np.ndarray) -> tuple[float, float]:
    """Return the area under the ROC curve and the equal error rate."""
    fmr, tmr, _ = roc_curve(same, score, drop_intermediate=False)
    return float(roc_auc_score(same, score)), float(np.interp(0, fmr - (1 - tmr), fmr))


def interval(score: np.ndarray, same: np.ndarray, fold: np.ndarray, draws: int = 1000) -> np.ndarray:
    """Return (2, 2) 2.5 % and 97.5 % points (rows) of AUC and EER (columns), resampling whole folds."""
    rng = np.random.default_rng(0)
    members = [np.flatnonzero(fold == k) for k in np.unique(fold)]
    results = []
    for _ in range(draws):
        pairs = np.concatenate([members[k] for k in rng.integers(len(members), size=len(members))])
        results.append(auc_eer(score[pairs], same[pairs]))
    return np.percentile(results, [2.5, 97.5], axis=0)


def main() -> None:
    """Embed, score and print."""
    parser = make_parser(__doc__)
    parser.add_argument("--crops", type=Path, required=True, help="folder that recipes/prepare.py wrote")
    parser.add_argument("--pairs", type=Path, required=True, help="pairs.txt, or another pair file of LFW")
    parser.add_argument("--weights", required=True, help="the recogniser, an ONNX file")
    options = parser.parse_args()
    store, pairs = CropStore.open(options.crops), read_pairs(options.pairs)
    rows = np.stack([store.rows(pairs.first), store.rows(pairs.second)])
    used, place = np.unique(rows, return_inverse=True)
    first, second = place.reshape(rows.shape)
    known = (rows >= 0).all(axis=0)
    embedding = embed(store, used.clip(min=0), options.weights)  # the scores of what is missing are not used
    cosine = (embedding[first] * embedding[second]).sum(axis=1)
    worst = np.where(pairs.same, -2.0, 2.0)
    print(
        f"{len(pairs):,} pairs, {(~known).sum():,} without a crop ({(~known & pairs.same).sum():,} genuine)"
    )
    for name, score, kept in (
        ("scored pairs", cosine, known),
        ("all pairs, those without a crop as errors", np.where(known, cosine, worst), np.ones_like(known)),
    ):
        score, same, fold = score[kept], pairs.same[kept], pairs.fold[kept]
        (auc, eer), (low, high) = auc_eer(score, same), interval(score, same, fold)
        print(
            f"{name}: AUC {auc:.4f} ({low[0]:.4f} to {high[0]:.4f}), "
            f"EER {eer:.2%} ({low[1]:.2%} to {high[1]:.2%})"
        )


if __name__ == "__main__":
    main()
