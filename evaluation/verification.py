"""Face verification over all pairs of a set of embeddings."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize


class VerificationResult(NamedTuple):
    """How well cosine tells genuine (same identity) from impostor pairs; nan unless there are both."""

    auc: float
    """Chance that a genuine pair scores above an impostor pair, ties counting half; in [0, 1]."""
    eer: float
    """Equal error rate in [0, 1]; 0 is perfect."""
    genuine: int
    """Number of genuine pairs."""
    impostor: int
    """Number of impostor pairs."""


def verification(embedding: Tensor, identity: Tensor, block: int = 256) -> VerificationResult:
    """Score every pair of samples with the cosine of their embeddings, and measure AUC and EER.

    Exact: the genuine scores are kept, the impostor scores only counted between them, one block of rows at a
    time, so the memory needed is `block` * N scores and the genuine ones.

    EER convention: a pair is accepted when its score is at least the threshold. FMR is the share of impostor
    pairs accepted, FNMR that of genuine pairs rejected; the EER is where the line through all the points
    (FMR, FNMR), joined by straight segments, crosses FMR = FNMR.

    Scores closer than about 1e-12 are ties, so a representation that collapsed to one vector gets 0.5, 0.5.

    Args:
        embedding: (N, D) float; the scale of a row does not matter.
        identity: (N,) int64; rows with -1 (unknown, padding) are ignored.
        block: rows that are scored at once.

    Raises:
        ValueError: an embedding of a known identity is zero or not finite, or the shapes do not match.
    """
    if embedding.ndim != 2 or identity.shape != embedding.shape[:1]:
        shapes = f"{tuple(embedding.shape)} and {tuple(identity.shape)}"
        raise ValueError(f"embedding must be (N, D) and identity (N,), got {shapes}")
    known = identity >= 0
    embedding, identity = embedding[known].double(), identity[known]
    if not embedding.isfinite().all():
        rows = int((~embedding.isfinite()).any(1).sum())
        raise ValueError(f"{rows} of {len(embedding)} embeddings are not finite; the model has diverged")
    # dividing by the largest entry first keeps the norm of tiny rows from underflowing
    largest = embedding.abs().amax(1, keepdim=True) if embedding.numel() else embedding
    if (largest == 0).any():
        rows = int((largest == 0).sum())
        raise ValueError(f"{rows} of {len(embedding)} embeddings are zero, which has no cosine")
    unit = normalize(embedding / largest)

    genuine = [score[same] for score, same in _pairs(unit, identity, block)]
    level, weight = torch.unique(torch.cat([unit.new_empty(0), *genuine]), return_counts=True)
    pairs = len(unit) * (len(unit) - 1) // 2
    n_genuine = int(weight.sum())
    n_impostor = pairs - n_genuine
    if n_genuine == 0 or n_impostor == 0:
        return VerificationResult(float("nan"), float("nan"), n_genuine, n_impostor)

    # below[i], upto[i]: impostors that score less than, and at most as much as, the i-th genuine level
    below, upto = torch.zeros_like(weight), torch.zeros_like(weight)
    for score, same in _pairs(unit, identity, block):
        impostor = score[~same]
        for count, right in ((upto, False), (below, True)):
            place = torch.searchsorted(level, impostor, right=right)
            count += torch.bincount(place, minlength=len(level) + 1)[:-1]
    below, upto = below.cumsum(0), upto.cumsum(0)

    auc = (weight * (below + upto)).sum().item() / (2 * n_genuine * n_impostor)
    # corners of the error curve: at each genuine level and just above it; between levels FNMR is constant
    rejected = torch.cat([weight.new_zeros(1), weight.cumsum(0)])
    fnmr = torch.stack([rejected[:-1], rejected[1:]], 1).flatten().double() / n_genuine
    fmr = 1 - torch.stack([below, upto], 1).flatten().double() / n_impostor
    return VerificationResult(auc, _crossing(fmr, fnmr), n_genuine, n_impostor)


def _pairs(unit: Tensor, identity: Tensor, block: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Scores of all pairs i < j and whether they share the identity, both (P,), block by block."""
    for start in range(0, len(unit), block):
        rows = slice(start, start + block)
        score = (unit[rows] @ unit[start:].T).round(decimals=12)
        above = torch.ones_like(score, dtype=torch.bool).triu(1)
        yield score[above], (identity[rows, None] == identity[None, start:])[above]


def _crossing(fmr: Tensor, fnmr: Tensor) -> float:
    """Where the polyline (fmr falling, fnmr rising) meets fmr = fnmr."""
    last = int((fmr >= fnmr).nonzero().max())  # there is one: the curve starts at fnmr = 0
    if last == len(fmr) - 1:  # it ends at fnmr = 1, so fmr is 1 as well
        return 1.0
    gap, next_gap = (fmr - fnmr)[last].item(), (fmr - fnmr)[last + 1].item()
    share = gap / (gap - next_gap)
    return fmr[last].item() + share * (fmr[last + 1] - fmr[last]).item()
