"""Score all pairs of samples, one tile of the triangle of pairs at a time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

Metric = Literal["cosine", "euclidean"]

TILE = 2**23
"""Number of scores in memory at once."""

STEP = {torch.float32: 2.0**-21, torch.float64: 2.0**-40}
"""Step of the scores by precision: closer scores are ties, told apart by rounding."""

_CHUNK = 1024  # rows that are prepared in 64 bits at once
_ROWS = 256  # rows whose genuine pairs are scored at once
_POINTS = 2**15  # thresholds of the grid


@dataclass(frozen=True, eq=False)
class PairTiles:
    """Samples sorted by subject and scaled so that a matrix product gives the scores of their pairs.

    Scores are whole numbers of steps: of the cosine, or of minus the squared distance in units of `scale`
    squared. The samples of a subject are adjacent, so a row's impostor pairs are the columns from `end` on.

    Attributes:
        x: (N, D), of length 1 (cosine) or centred and divided by `scale` (euclidean).
        square: (N,) squared lengths of `x`, for `euclidean`.
        subject: (N,) int64, ascending; 0 to P - 1 before any were removed.
        order: (N,) int64, row of each sample in the input.
        metric: metric of the scores.
        scale: length of a unit, for `euclidean`.
        reach: upper bound on the distances in units, for `euclidean`.
    """

    x: Tensor
    square: Tensor
    subject: Tensor
    order: Tensor
    metric: Metric
    scale: float
    reach: float

    def __len__(self) -> int:
        return len(self.subject)

    @property
    def ends(self) -> tuple[Tensor, Tensor]:
        """First row (N,) of each row's subject, and the first row after those of the subject."""
        return (
            torch.searchsorted(self.subject, self.subject),
            torch.searchsorted(self.subject, self.subject, right=True),
        )

    @property
    def pairs(self) -> tuple[int, int]:
        """Number of genuine and of impostor pairs."""
        size = torch.bincount(self.subject)
        genuine = int((size * (size - 1) // 2).sum())
        return genuine, len(self) * (len(self) - 1) // 2 - genuine

    def take(self, rows: Tensor) -> "PairTiles":
        """Select the samples at `rows` (N,) bool; the scores of their pairs do not change."""
        columns = {name: getattr(self, name)[rows] for name in ("x", "square", "subject", "order")}
        return replace(self, **columns)

    def score(self, rows: slice, columns: slice) -> Tensor:
        """Compute the scores of a tile."""
        x, y, steps = self.x[rows], self.x[columns], 1 / STEP[self.x.dtype]
        if self.metric == "cosine":
            return cosine_steps(x, y)
        with _full_precision(x.device.type):
            near = torch.addmm(self.square[columns], x, y.T, beta=-steps, alpha=2 * steps)
            return near.sub_(self.square[rows, None], alpha=steps).round_()

    def genuine(self) -> tuple[Tensor, Tensor]:
        """Compute the genuine scores (G,) and their subjects (G,)."""
        end = self.ends[1]
        found, subjects = [self.x.new_empty(0)], [self.subject.new_empty(0)]
        for start in range(0, len(self), _ROWS):
            row = torch.arange(start, min(start + _ROWS, len(self)), device=end.device)[:, None]
            column = torch.arange(start, int(end[row[-1]]), device=end.device)
            same = (column > row) & (column < end[row])
            found.append(self.score(slice(start, start + len(row)), slice(start, start + len(column)))[same])
            subjects.append(self.subject[row].expand(-1, len(column))[same])
        return torch.cat(found), torch.cat(subjects)

    def impostors(self) -> Iterator[Tensor]:
        """Yield the impostor scores of each tile, (n,) ascending, with infinity for any other pair."""
        end, height = self.ends[1], max(1, TILE // max(len(self), 1))
        for start in range(0, len(self), height):
            rows = slice(start, start + height)
            first, last = int(end[start]), int(end[rows][-1])
            if first < len(self):
                tile = self.score(rows, slice(first, None))
                column = torch.arange(first, last, device=end.device)
                tile[:, : last - first].masked_fill_(column < end[rows, None], torch.inf)
                yield sort_rows(tile.view(1, -1))[0]

    def impostors_of_rows(self) -> Iterator[tuple[slice, Tensor]]:
        """Yield rows and their impostor scores (rows, N), ascending, with infinity for any other pair."""
        (begin, end), height = self.ends, max(1, TILE // max(len(self), 1))
        column = torch.arange(len(self), device=end.device)
        for start in range(0, len(self), height):
            rows = slice(start, start + height)
            own = (column >= begin[rows, None]) & (column < end[rows, None])
            yield rows, sort_rows(self.score(rows, slice(None)).masked_fill_(own, torch.inf))

    def steps(self, threshold: Tensor) -> Tensor:
        """Convert thresholds, cosines or minus distances, to whole steps."""
        threshold = threshold.to(self.x.device, torch.float64)
        scores = threshold if self.metric == "cosine" else -((threshold / self.scale) ** 2)
        return (scores / STEP[self.x.dtype]).round().to(self.x.dtype)

    def thresholds(self, steps: Tensor) -> Tensor:
        """Convert whole steps to thresholds in 64 bits, the inverse of `steps`."""
        scores = steps.double() * STEP[self.x.dtype]
        return scores if self.metric == "cosine" else -(-scores).clamp(min=0).sqrt() * self.scale

    def grid(self) -> Tensor:
        """Spread thresholds evenly over all possible scores; of distances, most over the usual ones."""
        if self.metric == "cosine":
            return torch.arange(-_POINTS // 2 - 1, _POINTS // 2 + 2) * (2.0 / _POINTS)
        usual = min(4 * 2**0.5, self.reach)  # the root mean square is the root of 2
        distance = np.concatenate(
            [np.linspace(usual, 0, _POINTS), np.linspace(self.reach, usual, _POINTS // 32)]
        )
        return -torch.from_numpy(np.unique(distance)).flip(0) * self.scale


@contextmanager
def _full_precision(device: str) -> Iterator[None]:
    """Compute matrix products in full precision, whatever the settings of a training."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.autocast(device, enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


def cosine_steps(x: Tensor, y: Tensor) -> Tensor:
    """Compute the cosines of rows of length 1, (n, D) and (m, D), in whole steps (n, m) of `STEP`."""
    with _full_precision(x.device.type):
        return torch.addmm(x.new_zeros(()), x, y.T, beta=0, alpha=1 / STEP[x.dtype]).round_()


def sort_rows(tile: Tensor) -> Tensor:
    """Sort each row of a tile; in place on a CPU, where numpy takes a tenth of the time of torch."""
    if tile.is_cuda:
        return tile.sort(1).values
    tile.numpy().sort(1)
    return tile


def make_tiles(embedding: Tensor, identity: Tensor, metric: Metric, dtype: torch.dtype) -> PairTiles:
    """Check and prepare embeddings.

    Args:
        embedding: (N, D) of any float type.
        identity: (N,) int64; rows with -1 (unknown, padding) are left out.
        metric: `cosine`, or `euclidean` of the embeddings as they are.
        dtype: precision of the scores: in float32 they are rounded to 2^-21, in float64 to 2^-40.

    Raises:
        ValueError: an embedding of a known identity is not finite, or is zero (cosine), or the shapes do not
            match.
    """
    if embedding.ndim != 2 or identity.shape != embedding.shape[:1]:
        shapes = f"{tuple(embedding.shape)} and {tuple(identity.shape)}"
        raise ValueError(f"embedding must be (N, D) and identity (N,), got {shapes}")
    identity, order = identity.sort(stable=True)
    order, identity = order[identity >= 0], identity[identity >= 0]
    broken = sum(int((~chunk.isfinite()).any(1).sum()) for chunk in _chunks(embedding, order))
    if broken:
        raise ValueError(f"{broken} of {len(order)} embeddings are not finite; the model has diverged")
    subject = identity.unique(return_inverse=True)[1]
    if metric == "cosine":
        zero = sum(int((chunk == 0).all(1).sum()) for chunk in _chunks(embedding, order))
        if zero:
            raise ValueError(f"{zero} of {len(order)} embeddings are zero, which has no cosine")
        x = _converted(embedding, order, dtype, unit_rows)
        return PairTiles(x, x.new_ones(len(x)), subject, order, metric, 1.0, 1.0)
    # centring keeps the distances, and makes the numbers that are subtracted from one another small
    mean = sum(chunk.sum(0) for chunk in _chunks(embedding, order)) / max(len(order), 1)
    lengths = [((chunk - mean) ** 2).sum(1) for chunk in _chunks(embedding, order)]
    square = torch.cat(lengths) if lengths else embedding.new_empty(0).double()
    scale = float(square.mean().sqrt()) if square.any() else 1.0
    x = _converted(embedding, order, dtype, lambda chunk: (chunk - mean) / scale)
    reach = 2 * float(square.max().sqrt()) / scale * (1 + 1e-6) + 1e-3 if len(square) else 1.0
    return PairTiles(x, (square / scale**2).to(dtype), subject, order, metric, scale, reach)


def _chunks(embedding: Tensor, order: Tensor) -> Iterator[Tensor]:
    """Yield the rows at `order` in 64 bits."""
    return (embedding[some].double() for some in order.split(_CHUNK) if len(some))


def _converted(
    embedding: Tensor, order: Tensor, dtype: torch.dtype, change: Callable[[Tensor], Tensor]
) -> Tensor:
    """Transform the rows at `order` in 64 bits."""
    x = torch.empty(len(order), embedding.shape[1], dtype=dtype, device=embedding.device)
    for place, chunk in zip(x.split(_CHUNK), _chunks(embedding, order), strict=False):
        place.copy_(change(chunk))
    return x


def unit_rows(x: Tensor) -> Tensor:
    """Divide rows (N, D) by their lengths."""
    # dividing by the largest entry first keeps the length of tiny rows from underflowing
    return torch.nn.functional.normalize(x / x.abs().amax(1, keepdim=True))
