"""Error rates of verification from counts of scores: FMR, FNMR, EER, AUC and TAR at a FAR.

Scores are similarities: a pair is accepted when its score is at least the threshold. FMR (FAR) is the share
of impostor pairs that are accepted, FNMR (FRR) that of genuine pairs that are rejected, TAR is 1 - FNMR.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.samples.arrays import Floats, Ints

MIN_ERRORS = 30
"""Accepted impostor pairs that a FAR needs to be reported, by the "rule of 30" (Doddington et al., Speech
Communication 31, 2000; ISO/IEC 19795-1): at most 30 % off with 90 % confidence, if pairs were independent."""


@dataclass(frozen=True, eq=False)
class ErrorCounts:
    """Counts of scores at thresholds; every genuine score is a threshold, which suffices for exact rates.

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
        """True if there are scores of both kinds."""
        return self.genuine > 0 and self.impostor > 0

    @property
    def fmr(self) -> Floats:
        """Share (Q,) of the impostor pairs that each threshold accepts; nan without any."""
        return share(self.impostor - self.impostor_below, self.impostor)

    @property
    def fnmr(self) -> Floats:
        """Share (Q,) of the genuine pairs that each threshold rejects; nan without any."""
        return share(self.genuine_below, self.genuine)


def share(count: Ints, total: int) -> Floats:
    """Divide counts (Q,) by their total; nan if it is 0."""
    return count / total if total else np.full(len(count), np.nan)


def count_errors(genuine: Floats, impostor: Floats, thresholds: Floats | tuple[()] = ()) -> ErrorCounts:
    """Count two lists of scores at the genuine scores and at further `thresholds`."""
    genuine, impostor = np.sort(genuine), np.sort(impostor)
    threshold = np.unique(np.concatenate([genuine, thresholds]))
    below, upto = (
        [np.searchsorted(scores, threshold, side) for scores in (genuine, impostor)]
        for side in ("left", "right")
    )
    return ErrorCounts(threshold, below[0], upto[0], below[1], upto[1], len(genuine), len(impostor))


def auc(counts: ErrorCounts) -> float:
    """Compute the probability that a genuine pair scores above an impostor pair, ties counting half.

    nan unless there are scores of both kinds.
    """
    if not counts.defined:
        return float("nan")
    weight = counts.genuine_upto - counts.genuine_below
    below = (weight.astype(float) * (counts.impostor_below + counts.impostor_upto)).sum()
    return float(below / (2 * counts.genuine * counts.impostor))


def tied(counts: ErrorCounts) -> float:
    """Compute the share of ties among the (genuine, impostor) pairs of scores; nan without both."""
    if not counts.defined:
        return float("nan")
    weight = counts.genuine_upto - counts.genuine_below
    ties = (weight.astype(float) * (counts.impostor_upto - counts.impostor_below)).sum()
    return float(ties / (counts.genuine * counts.impostor))


def eer(counts: ErrorCounts) -> float:
    """Compute the equal error rate, where the line through all points (FMR, FNMR) meets FMR = FNMR.

    The points, at each genuine score and just above it, are joined by straight segments; the nearest point
    instead would depend on their number. nan unless there are scores of both kinds.
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
    """Compute the largest share of genuine pairs accepted by a threshold whose FMR is at most `far`.

    nan if `far` accepts fewer than `MIN_ERRORS` of the impostor pairs, or without genuine pairs.
    """
    if not counts.genuine or counts.impostor * far < MIN_ERRORS * (1 - 1e-9):  # 300 * 0.1 is below 30
        return float("nan")
    accepted = 1 - counts.fnmr[counts.fmr <= far]
    return float(accepted[0]) if len(accepted) else 0.0


def threshold_at_fmr(counts: ErrorCounts, fmr: float) -> float:
    """Return the lowest threshold whose FMR is at most `fmr`.

    Raises:
        ValueError: `fmr` is not in (0, 1) or accepts fewer than `MIN_ERRORS` of the impostor pairs, or there
            is no such threshold.
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
    """Make the curve for plots of FMR and FNMR, ROC and DET: `threshold` (ascending), `fmr`, `fnmr`.

    It has about `points` of the thresholds at most: a third spread evenly, a third evenly over the logarithm
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
    """Make densities for a plot: `score` (middle of the bin), `width`, `genuine`, `impostor`.

    The edges are the thresholds nearest to an even division of the range of the scores, so there may be fewer
    bins; together they hold all scores. Empty without scores of both kinds.

    Raises:
        ValueError: there are scores beyond the thresholds (those of `PairScores` cover all).
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
