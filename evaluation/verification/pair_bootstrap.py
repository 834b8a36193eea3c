"""Bootstrap intervals over subjects of the verification errors over all pairs of samples."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from evaluation.samples.arrays import Floats
from evaluation.samples.subject_bootstrap import draw_count_matrix, percentile_interval
from evaluation.verification.error_rates import ErrorCounts, error_curve
from evaluation.verification.pair_tiles import PairTiles

_THRESHOLDS = 1000


class Intervals(NamedTuple):
    """Ends of 95 % intervals of AUC and EER."""

    auc_low: float = float("nan")
    auc_high: float = float("nan")
    eer_low: float = float("nan")
    eer_high: float = float("nan")


def draw_auc_and_eer(
    tiles: PairTiles,
    counts: ErrorCounts,
    draws: int,
    seed: int,
    parts: Sequence[PairTiles] | None = None,
) -> pd.DataFrame:
    """Compute AUC and EER in draws of the subjects.

    Images of a subject, and pairs that share a subject, are not independent, so whole subjects are drawn.
    With subject p drawn w_p times, p's genuine pairs count w_p times and the impostor pairs of p and q w_p *
    w_q times (as in the subset bootstrap of Bolle, Ratha and Pankanti, 2004, here for all pairs). The product
    is taken to first order, w_p + w_q - 1, whose remainder (w_p - 1)(w_q - 1) has mean zero and adds only a
    share of the order of 1/P to the variance. Then a draw is a matrix product: counts of each subject at
    1,000 thresholds times w. The work is a second, full matrix of scores; memory is P * 1,000 counts.

    Args:
        tiles: the samples.
        counts: counts of the scores of `tiles`, which choose the thresholds.
        draws: number of draws of all subjects; fewer than three subjects are not drawn.
        seed: seed of the draws; the same subjects are drawn for any embeddings of the same samples.
        parts: parts of the samples within which impostor pairs lie; None for one part of all.

    Returns:
        Columns `auc` and `eer` in [0, 1], one row for each draw; nan where the subjects of a draw have no
        genuine pair.
    """
    subjects = int(tiles.subject[-1]) + 1 if len(tiles) else 0
    if not draws or not counts.defined or subjects < 3:
        return pd.DataFrame({"auc": [], "eer": []}, dtype=float)
    curve = error_curve(counts, _THRESHOLDS)
    thresholds = torch.tensor(curve["threshold"].to_numpy())
    genuine, impostor = _counts_by_subject(tiles, thresholds, subjects, parts or [tiles])
    weight = draw_count_matrix(subjects, draws, seed)
    drawn = weight @ genuine, weight @ impostor - impostor.sum(0) / 2
    # a draw of subjects with one image each says nothing
    both = (drawn[0][:, -1] > 0) & (drawn[1][:, -1] > 0)
    fnmr, below = (x[both, :-1] / x[both, -1:] for x in drawn)
    found = pd.DataFrame(np.nan, index=range(draws), columns=["auc", "eer"])
    # to first order a draw may have fewer than no errors, so the figures are clipped
    found.loc[both, "auc"] = _areas(1 - below, fnmr).clip(0, 1)
    found.loc[both, "eer"] = _crossings(1 - below, fnmr).clip(0, 1)
    return found


def auc_and_eer_intervals(drawn: pd.DataFrame) -> Intervals:
    """Compute percentile intervals from draws of `draw_auc_and_eer`; nan without draws."""
    if drawn.empty:
        return Intervals()
    return Intervals(*(end for name in ("auc", "eer") for end in percentile_interval(drawn[name].to_numpy())))


def _counts_by_subject(
    tiles: PairTiles, thresholds: Tensor, subjects: int, parts: Sequence[PairTiles]
) -> tuple[Floats, Floats]:
    """Count scores of each subject below each threshold, and all in the end, (P, Q + 1) for each kind."""
    level = tiles.steps(thresholds)
    level = torch.cat([level, level.new_full((1,), torch.finfo(level.dtype).max)])
    impostor = torch.zeros(subjects, len(level), dtype=torch.int64, device=level.device)
    for part in parts:
        for rows, scores in part.impostors_of_rows():
            below = torch.searchsorted(scores, level.expand(len(scores), -1).contiguous())
            impostor.index_add_(0, part.subject[rows], below)
    score, subject = tiles.genuine()
    place = subject * (len(level) + 1) + torch.searchsorted(level, score, right=True)
    cells = torch.bincount(place, minlength=subjects * (len(level) + 1)).view(subjects, -1)
    genuine = cells.cumsum(1)[:, :-1]
    return genuine.double().cpu().numpy(), impostor.double().cpu().numpy()


def _areas(fmr: Floats, fnmr: Floats) -> Floats:
    """Compute the area (R,) under each curve of FMR and 1 - FNMR (R, Q), closed at both ends."""
    fmr, tar = (np.pad(x, ((0, 0), (1, 1)), constant_values=(1, 0)) for x in (fmr, 1 - fnmr))
    return -np.sum(np.diff(fmr, axis=1) * (tar[:, 1:] + tar[:, :-1]) / 2, axis=1)


def _crossings(fmr: Floats, fnmr: Floats) -> Floats:
    """Find where each curve (R, Q), its points joined by straight segments, meets FMR = FNMR, (R,)."""
    fmr, fnmr = (
        np.pad(x, ((0, 0), (1, 1)), constant_values=ends) for x, ends in ((fmr, (1, 0)), (fnmr, (0, 1)))
    )
    gap = fmr - fnmr
    last = np.argmax(gap < 0, axis=1)[:, None] - 1
    here, after = (np.take_along_axis(gap, last + k, 1) for k in (0, 1))
    ends = [np.take_along_axis(fmr, last + k, 1) for k in (0, 1)]
    return (ends[0] + here / (here - after) * (ends[1] - ends[0]))[:, 0]
