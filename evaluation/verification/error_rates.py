"""How often a verification system errs: FMR, FNMR, EER, AUC and TAR at a FAR, from counts of scores.

Scores are similarities: a pair is accepted when its score is at least the threshold. FMR (FAR) is the share
of impostor pairs that are accepted, FNMR (FRR) that of genuine pairs that are rejected, TAR is 1 - FNMR.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.samples.arrays import Floats, Ints

MIN_ERRORS = 30
"""Impostor pairs that a FAR has to let through to be told: the "rule of 30" (Doddington et al., Speech
Communication 31, 2000; ISO/IEC 19795-1): 30 % off at most, with 90 % confidence, were pairs independent."""


@dataclass(frozen=True, eq=False)
class ErrorCounts:
    """How many scores lie below thresholds, every genuine score being one of these: enough for exact rates.

    Attributes:
        threshold: (Q,) ascending.
        genuine_below: (Q,) genuine scores less than the threshold.
        genuine_upto: (Q,) genuine scores that are at most the threshold.
        impostor_below: (Q,) as for genuine.
        impostor_upto: (Q,) as for genuine.
        genuine: number of genuine scores.
        impostor: number of impostor scores.
    """

    threshold: Floats
    genuine_below: Ints
    genuine_upto: Ints
    impostor_below: Ints
    impostor_upto: Ints
    genuine: int
    impostor: int

    @property
    def defined(self) -> bool:
        """Whether there are scores of both kinds."""
        return self.genuine > 0 and self.impostor > 0

    @property
    def fmr(self) -> Floats:
        """(Q,) share of the impostor pairs that each threshold accepts; nan without any."""
        return share(self.impostor - self.impostor_below, self.impostor)

    @property
    def fnmr(self) -> Floats:
        """(Q,) share of the genuine pairs that each threshold rejects; nan without any."""
        return share(self.genuine_below, self.genuine)


def share(count: Ints, total: int) -> Floats:
    """`count` (Q,) of `total`; nan of nothing."""
    return count / total if total else np.full(len(count), np.nan)


def count_errors(genuine: Floats, impostor: Floats, thresholds: Floats | tuple[()] = ()) -> ErrorCounts:
    """Counts of two lists of scores, at the genuine scores and at further `thresholds`."""
    genuine, impostor = np.sort(genuine), np.sort(impostor)
    threshold = np.unique(np.concatenate([genuine, thresholds]))
    below, upto = (
        [np.searchsorted(scores, threshold, side) for scores in (genuine, impostor)]
        for side in ("left", "right")
    )
    return ErrorCounts(threshold, below[0], upto[0], below[1], upto[1], len(genuine), len(impostor))


def auc(counts: ErrorCounts) -> float:
    """Chance that a genuine pair scores above an impostor pair, ties counting half; nan without both."""
    if not counts.defined:
        return float("nan")
    weight = counts.genuine_upto - counts.genuine_below
    below = (weight.astype(float) * (counts.impostor_below + counts.impostor_upto)).sum()
    return float(below / (2 * counts.genuine * counts.impostor))


def tied(counts: ErrorCounts) -> float:
    """Share of the (genuine, impostor) pairs of scores that are ties; nan without both."""
    if not counts.defined:
        return float("nan")
    weight = counts.genuine_upto - counts.genuine_below
    ties = (weight.astype(float) * (counts.impostor_upto - counts.impostor_below)).sum()
    return float(ties / (counts.genuine * counts.impostor))


def eer(counts: ErrorCounts) -> float:
    """Equal error rate: where the line through all points (FMR, FNMR) meets FMR = FNMR; nan without both.

    The points, at each genuine score and just above it, are joined by straight segments. Taking the nearest
    of the points instead would depend on how many there are.
    """
    if not counts.defined:
        return float("nan")
    below = np.stack([counts.impostor_below, counts.impostor_upto], 1).ravel()
    fmr = (counts.impostor - below) / counts.impostor
    fnmr = np.stack([counts.genuine_below, counts.genuine_upto], 1).ravel() / counts.genuine
    last = int(np.flatnonzero(fmr >= fnmr).max())  # there is one: the curve starts at fnmr = 0
    if last == len(fmr) - 1:  # it ends at fnmr = 1, so fmr is 1 as well
        return 1.0
    gap, next_gap = fmr[last : last + 2] - fnmr[last : last + 2]
    return float(fmr[last] + gap / (gap - next_gap) * (fmr[last + 1] - fmr[last]))


def tar_at_far(counts: ErrorCounts, far: float) -> float:
    """Largest share of genuine pairs accepted by a threshold whose FMR is at most `far`.

    nan if `far` lets fewer than `MIN_ERRORS` of the impostor pairs through, or there are no genuine pairs.
    """
    if not counts.genuine or counts.impostor * far < MIN_ERRORS * (1 - 1e-9):  # 300 * 0.1 is below 30
        return float("nan")
    accepted = 1 - counts.fnmr[counts.fmr <= far]
    return float(accepted[0]) if len(accepted) else 0.0


def threshold_at_fmr(counts: ErrorCounts, fmr: float) -> float:
    """The lowest of the thresholds whose FMR is at most `fmr`.

    Raises:
        ValueError: `fmr` is not in (0, 1), or lets fewer than `MIN_ERRORS` of the impostor pairs through, or
            there is no such threshold.
    """
    if not 0 < fmr < 1:
        raise ValueError(f"an FMR to aim at lies between 0 and 1, not at {fmr}")
    if counts.impostor * fmr < MIN_ERRORS * (1 - 1e-9):
        raise ValueError(
            f"an FMR of {fmr:g} takes {int(np.ceil(MIN_ERRORS / fmr)):,} impostor pairs to be measured "
            f"({MIN_ERRORS} errors), there are {counts.impostor:,}"
        )
    low_enough = counts.threshold[counts.fmr <= fmr]
    if not len(low_enough):
        raise ValueError(f"no threshold has an FMR of at most {fmr:g}: too many impostors have the top score")
    return float(low_enough[0])


def error_curve(counts: ErrorCounts, points: int = 2000) -> pd.DataFrame:
    """The curve for plots of FMR and FNMR, ROC and DET: `threshold`, `fmr`, `fnmr`, thresholds ascending.

    At most about `points` of the thresholds: a third of them evenly spread, a third evenly over the logarithm
    of the FMR and a third over that of the FNMR. Empty without scores of both kinds.
    """
    if not counts.defined:
        return pd.DataFrame({"threshold": [], "fmr": [], "fnmr": []}, dtype=float)
    third = max(points // 3, 2)
    fmr, fnmr = counts.fmr, counts.fnmr
    inside = np.flatnonzero((fmr < 1) | (fnmr > 0))  # the lowest threshold that rejects, and upwards
    low = counts.threshold[max(inside[0] - 1, 0)] if len(inside) else counts.threshold[0]
    high = counts.threshold[np.flatnonzero((fmr > 0) | (fnmr < 1))[-1]]
    even = np.searchsorted(counts.threshold, np.linspace(low, high, third))
    by_fmr = np.searchsorted(-fmr, -np.geomspace(1 / counts.impostor, 1, third))
    by_fnmr = np.searchsorted(fnmr, np.geomspace(1 / counts.genuine, 1, third))
    chosen = np.unique(np.concatenate([even, by_fmr, by_fnmr]).clip(max=len(fmr) - 1))
    return pd.DataFrame({"threshold": counts.threshold[chosen], "fmr": fmr[chosen], "fnmr": fnmr[chosen]})


def score_histogram(counts: ErrorCounts, bins: int = 100) -> pd.DataFrame:
    """Densities for a plot: `score` (middle of the bin), `width`, `genuine`, `impostor`.

    The edges are thresholds nearest to an even division of the range of the scores, so there may be fewer
    bins; the scores in all of them together are all the scores. Empty without scores of both kinds.

    Raises:
        ValueError: there are scores beyond the thresholds (there are none beyond those of `PairScores`).
    """
    if not counts.defined:
        return pd.DataFrame({"score": [], "width": [], "genuine": [], "impostor": []}, dtype=float)
    below = counts.genuine_below + counts.impostor_below
    upto = counts.genuine_upto + counts.impostor_upto
    if below[0] > 0 or upto[-1] < counts.genuine + counts.impostor:
        raise ValueError(
            "there are scores beyond the thresholds: count the errors at lower and higher ones too"
        )
    first, last = int(np.flatnonzero(below == 0)[-1]), int(np.argmax(upto == upto[-1]))
    if first == last:  # one score, which gets the bins on both sides
        first, last = max(first - 1, 0), min(last + 1, len(below) - 1)
    wanted = np.linspace(counts.threshold[first], counts.threshold[last], bins + 1)
    edges = np.unique(np.searchsorted(counts.threshold, wanted).clip(first, last))
    place = counts.threshold[edges]
    columns: dict[str, Floats] = {"score": (place[1:] + place[:-1]) / 2, "width": np.diff(place)}
    for kind, total in (("genuine", counts.genuine), ("impostor", counts.impostor)):
        cut = getattr(counts, f"{kind}_below")[edges]
        cut[-1] = getattr(counts, f"{kind}_upto")[edges[-1]]
        columns[kind] = np.diff(cut) / total / columns["width"]
    return pd.DataFrame(columns)
