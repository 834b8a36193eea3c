"""Search for probes in a gallery of enrolled subjects (1:N identification).

Terms are those of ISO/IEC 19795-1 and of NIST's FRVT 1:N (NIST IR 8271). A search compares one probe with the
template of every enrolled subject. It is *mated* if the subject of the probe is enrolled, else *non-mated*.
The rank of a mated search is 1 + the number of other subjects whose score is at least that of the mate: a tie
counts against the claimant.

Closed set: all subjects are enrolled. The identification rate at rank k is the share of searches whose mate
is among the k best; over k it is the cumulative match characteristic (CMC).

Open set: half of the subjects, drawn at random, are enrolled. The false positive identification rate (FPIR)
of a threshold is the share of non-mated searches in which some score reaches it. The true positive
identification rate (TPIR) is the share of mated searches whose mate has rank 1 and reaches it, which is
1 - FNIR(N, R = 1, T), also called the detection and identification rate.
"""

from typing import Literal, NamedTuple

import pandas as pd
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from evaluation.verification.closed_set import closed_rates
from evaluation.verification.open_set import open_rates
from evaluation.verification.pair_tiles import STEP, TILE, PairTiles, cosine_steps, make_tiles
from evaluation.verification.searches import Groups, Searches, group_masks

Template = Literal["image", "mean"]

_EXACT = 4096  # samples up to which scores have 64 bits


class Identification(NamedTuple):
    """Rates of identification of all probes, and of the probes of each group."""

    closed_set: pd.DataFrame
    """See `closed_set.closed_rates`."""
    open_set: pd.DataFrame
    """See `open_set.open_rates`."""


def identify(
    embedding: ArrayLike | Tensor,
    identity: ArrayLike | Tensor,
    groups: Groups | None = None,
    *,
    template: Template = "image",
    enrolments: int = 5,
    draws: int = 1000,
    seed: int = 0,
) -> Identification:
    """Search by cosine for every sample in galleries of random enrolments.

    Memory is that of the samples, one tile of scores and a few numbers for each search. Scores have 64 bits
    up to 4,096 samples and 32 bits above, and are rounded as in `pair_scores.score_pairs`, so that rounding
    errors break no tie.

    Args:
        embedding: (N, D); the scale of a row does not matter.
        identity: (N,) integers; rows with -1 (unknown, padding) are left out.
        groups: attribute -> labels (N,), -1 where unknown, and class names. The probes of each class are
            searched for in the same gallery and at the same threshold as all probes.
        template: `image` enrols one image of each subject, drawn at random. `mean` enrols the mean of half of
            the images, rounded down but one at least, each scaled to length 1. The others are probes.
        enrolments: number of random enrolments, over which the rates are averaged.
        draws: draws of the subjects for the intervals.
        seed: seed of the enrolments and draws.

    Raises:
        ValueError: fewer than two subjects, or none with two samples; labels that do not fit; an embedding of
            a known identity is zero or not finite, or the shapes do not match.
    """
    x, who = torch.as_tensor(embedding).detach(), torch.as_tensor(identity)
    tiles = make_tiles(x, who, "cosine", torch.float64 if len(x) <= _EXACT else torch.float32)
    sizes = torch.bincount(tiles.subject)
    if len(sizes) < 2 or int(sizes.max()) < 2:
        raise ValueError(
            "identification needs two subjects, one of them with two samples; there are "
            f"{len(tiles):,} samples of {len(sizes):,} known subjects"
        )
    masks = group_masks(groups or {}, tiles.order.cpu().numpy(), len(who))
    generator = torch.Generator().manual_seed(seed)
    parts = [_search(tiles, sizes, template, generator) for _ in range(enrolments)]
    searches = Searches.join(parts, tiles.subject.cpu().numpy(), STEP[tiles.x.dtype])
    return Identification(
        closed_rates(searches, masks, draws, seed), open_rates(searches, masks, draws, seed)
    )


def _search(tiles: PairTiles, sizes: Tensor, template: Template, generator: torch.Generator) -> list[Tensor]:
    """Enrol all subjects at random, and search for every sample.

    Returns:
        Columns (N,) of `Searches`: `in_template`, `enrolled`, `rank`, `mate`, `best_other`.
    """
    subjects, device = len(sizes), tiles.x.device
    in_template = _draw_images(tiles.subject, sizes, template, generator)
    place = torch.randperm(subjects, generator=generator).to(device)  # of a subject in the gallery
    own = place[tiles.subject]
    enrolled = subjects // 2  # the first of the gallery are enrolled in the open set
    gallery = _templates(tiles, in_template, place)
    found: list[list[Tensor]] = [[], [], []]
    for rows in torch.arange(len(tiles), device=device).split(max(1, TILE // subjects)):
        score = cosine_steps(tiles.x[rows], gallery)
        column = own[rows, None]
        mate = score.gather(1, column)
        score.scatter_(1, column, -torch.inf)
        columns = (1 + (score >= mate).sum(1), mate[:, 0], score[:, :enrolled].amax(1))
        for part, values in zip(found, columns, strict=True):
            part.append(values)
    return [in_template, own < enrolled, *map(torch.cat, found)]


def _draw_images(subject: Tensor, sizes: Tensor, template: Template, generator: torch.Generator) -> Tensor:
    """Draw the images that the templates are made of, (N,) bool; `subject` is ascending."""
    shuffled = torch.randperm(len(subject), generator=generator).to(subject.device)
    order = shuffled[subject[shuffled].argsort(stable=True)]  # each subject's images in random order
    position = torch.arange(len(subject), device=subject.device) - (sizes.cumsum(0) - sizes)[subject]
    wanted = torch.ones_like(sizes) if template == "image" else (sizes // 2).clamp(min=1)
    drawn = torch.zeros_like(subject, dtype=torch.bool)
    drawn[order] = position < wanted[subject]
    return drawn


def _templates(tiles: PairTiles, in_template: Tensor, place: Tensor) -> Tensor:
    """Average the drawn images of each subject, (P, D) of length 1, in the order of the gallery."""
    total = tiles.x.new_zeros(len(place), tiles.x.shape[1])
    total.index_add_(0, place[tiles.subject[in_template]], tiles.x[in_template])
    return torch.nn.functional.normalize(total)  # opposite images may have a mean of 0, which is like nobody
