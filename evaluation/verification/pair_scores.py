"""Score all pairs of a set of embeddings: curves, error rates and their intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from evaluation.verification.error_rates import (
    ErrorCounts,
    auc,
    eer,
    error_curve,
    score_histogram,
    tar_at_far,
    tied,
)
from evaluation.verification.pair_bootstrap import auc_and_eer_intervals, draw_auc_and_eer
from evaluation.verification.pair_tiles import Metric, PairTiles, make_tiles

FARS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)

_EXACT = 4096  # samples up to which scores have 64 bits
_TIES = 1e-5  # share of ties above which 32 bits do not tell the scores apart


@dataclass(frozen=True, eq=False)
class PairScores:
    """Counts of the scores of all pairs, and figures of draws of the subjects.

    Attributes:
        metric: `cosine`, or `euclidean`, whose scores are minus the distances.
        counts: counts of the scores at thresholds.
        drawn: `auc` and `eer` in draws of the subjects, see `pair_bootstrap.draw_auc_and_eer`.
    """

    metric: Metric
    counts: ErrorCounts
    drawn: pd.DataFrame

    def rates(self, points: int = 2000) -> pd.DataFrame:
        """Compute `threshold`, `fmr` and `fnmr` for FMR/FNMR, ROC and DET curves; see `error_curve`."""
        return error_curve(self.counts, points)

    def histogram(self, bins: int = 100) -> pd.DataFrame:
        """Compute `score`, `width`, `genuine`, `impostor` (densities); see `error_rates.score_histogram`."""
        return score_histogram(self.counts, bins)

    def summary(self) -> pd.DataFrame:
        """Make one row: `metric`, AUC and EER with intervals, `tar_at_1e-1` to `tar_at_1e-5`, pair counts."""
        row = {"metric": self.metric, "auc": auc(self.counts), "eer": eer(self.counts)}
        row |= auc_and_eer_intervals(self.drawn)._asdict()
        row |= {f"tar_at_1e-{k}": tar_at_far(self.counts, far) for k, far in enumerate(FARS, 1)}
        return pd.DataFrame([row | {"genuine": self.counts.genuine, "impostor": self.counts.impostor}])


def score_pairs(
    embedding: ArrayLike | Tensor,
    identity: ArrayLike | Tensor,
    metric: Metric = "cosine",
    draws: int = 1000,
    seed: int = 0,
    group: ArrayLike | None = None,
) -> PairScores:
    """Score all pairs of samples, or with `group` those impostor pairs that are of one group.

    Memory is that of the samples, the genuine scores and one tile of scores, not of all pairs: every genuine
    score is kept, and the impostor scores are sorted tile by tile and counted at the genuine scores and at
    30,000 more thresholds.

    Precision: up to 4,096 samples scores have 64 bits, and scores within 1e-12 are ties. Above, they have 32
    bits and are rounded to 2^-21 (the cosine, or the squared distance in units of its scale). That moves the
    AUC by at most half of the share of ties (see `error_rates.tied`), apart from the noise of 32-bit
    products: measured as 1e-10 on 10,000 embeddings of a face recogniser, 6e-9 where genuine and impostor
    scores have the same distribution. If more than 1e-5 of the pairs of scores tie, as in a collapsed or
    discrete representation, 64 bits are used after all.

    The Euclidean distance is that of the embeddings as they are; of embeddings of length 1 it is
    sqrt(2 - 2 cosine), so both metrics have the same AUC, EER and TAR.

    Args:
        embedding: (N, D).
        identity: (N,) integers; rows with -1 (unknown, padding) are left out.
        metric: cosine or minus the Euclidean distance.
        draws: draws of the subjects for the intervals, 0 for none; they take up to 3 times as long as the
            scores.
        seed: seed of the draws.
        group: (N,) integers; rows with -1 (unknown) are left out. Impostor pairs are of samples of the same
            group, genuine pairs of any: an attribute that tells impostors of different groups apart is no
            help.

    Raises:
        ValueError: an embedding of a known identity is not finite, or zero (cosine), or shapes do not match.
    """
    tiles, counts = count_pairs(embedding, identity, metric, group)
    drawn = draw_auc_and_eer(tiles, counts, draws, seed, _parts(tiles, group))
    return PairScores(metric, counts, drawn)


def count_pairs(
    embedding: ArrayLike | Tensor,
    identity: ArrayLike | Tensor,
    metric: Metric,
    group: ArrayLike | None = None,
) -> tuple[PairTiles, ErrorCounts]:
    """Prepare the samples, and count their scores; see `score_pairs`."""
    x, who = torch.as_tensor(embedding).detach(), torch.as_tensor(identity)
    if group is not None:
        who = who.masked_fill(torch.as_tensor(group) < 0, -1)
    for dtype in (torch.float32, torch.float64) if len(x) > _EXACT else (torch.float64,):
        tiles = make_tiles(x, who, metric, dtype)
        counts = count_tiles(tiles, parts=_parts(tiles, group))
        if not tied(counts) > _TIES:
            break
    return tiles, counts


def _parts(tiles: PairTiles, group: ArrayLike | None) -> list[PairTiles]:
    """Split the samples by their group (N,), in the order of the input; None is one group."""
    if group is None:
        return [tiles]
    own = torch.as_tensor(group)[tiles.order]
    return [tiles.take(own == one) for one in own.unique()]


def count_tiles(
    tiles: PairTiles, thresholds: Tensor | None = None, parts: Sequence[PairTiles] | None = None
) -> ErrorCounts:
    """Count scores at the genuine scores and at `thresholds` (Q,), or the grid of the tiles if None.

    Impostor pairs are those within each of the `parts` of the samples; None for all.
    """
    parts = [tiles] if parts is None else parts
    score, times = tiles.genuine()[0].unique(return_counts=True)
    further = tiles.steps(tiles.grid() if thresholds is None else thresholds)
    level = torch.cat([score, further]).unique()
    weight = torch.zeros(len(level) + 1, dtype=torch.int64, device=level.device)
    weight[torch.searchsorted(level, score) + 1] = times
    upto = weight.cumsum(0)
    below_impostor, upto_impostor = torch.zeros_like(upto[1:]), torch.zeros_like(upto[1:])
    for tile in (tile for part in parts for tile in part.impostors()):
        below_impostor += torch.searchsorted(tile, level)
        upto_impostor += torch.searchsorted(tile, level, right=True)
    return ErrorCounts(
        threshold=tiles.thresholds(level).cpu().numpy(),
        genuine_below=upto[:-1].cpu().numpy(),
        genuine_upto=upto[1:].cpu().numpy(),
        impostor_below=below_impostor.cpu().numpy(),
        impostor_upto=upto_impostor.cpu().numpy(),
        genuine=tiles.pairs[0],
        impostor=sum(part.pairs[1] for part in parts),
    )
