"""Open-set identification: TPIR at a FPIR, with intervals over subjects."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.subject_bootstrap import draw_counts, share_interval
from evaluation.verification.error_rates import MIN_ERRORS
from evaluation.verification.searches import Masks, Searches

FPIRS = (1e-1, 1e-2, 1e-3)

_ROUNDING = 1e-9  # relative: 0.1 * 300 must not be below 30


def open_rates(searches: Searches, masks: Masks, draws: int, seed: int) -> pd.DataFrame:
    """Compute the TPIR at the thresholds of `FPIRS`.

    The threshold is the lowest whose FPIR over all non-mated searches is at most `fpir`. The figures of a
    FPIR are nan if it allows fewer than `MIN_ERRORS` of the distinct samples that are searched for in vain.

    Args:
        searches: of all enrolments.
        masks: groups of samples.
        draws: draws of the subjects for the intervals; each draw has a threshold of its own.
        seed: seed of the draws.

    Returns:
        One row for each group and FPIR: `group_attribute`, `group` (both empty for all probes), `fpir`,
        `threshold` (a cosine), `tpir` with its 95 % interval `low` to `high`, `group_fpir` (FPIR of the
        group's own non-mated searches at that threshold) with `group_fpir_low` and `group_fpir_high`,
        `gallery` (enrolled subjects), and `mated` and `non_mated` (searches of an enrolment, on average). The
        intervals are over the subjects of the searches, given the galleries.
    """
    mated, non_mated = searches.enrolled & ~searches.in_template, ~searches.enrolled
    # a mate that another subject ties with or beats is not identified, whatever the threshold
    identified = np.where(searches.mate > searches.best_other, searches.mate, -np.inf)
    groups = [(mated & mask[searches.sample], non_mated & mask[searches.sample]) for mask in masks.values()]
    kinds = identified, searches.best_other
    scores = [
        [_Sorted(score[rows], searches.subject[rows]) for rows, score in zip(group, kinds, strict=True)]
        for group in groups
    ]
    every = _Sorted(searches.best_other[non_mated], searches.subject[non_mated])
    threshold = every.thresholds(np.ones(searches.subjects), FPIRS)
    shares = np.full((1 + draws, len(groups), 2, len(FPIRS)), np.nan)
    rng = np.random.default_rng(seed)
    for i in range(1 + draws):
        weight = draw_counts(rng, searches.subjects) if i else np.ones(searches.subjects)
        at = every.thresholds(weight, FPIRS)
        shares[i] = [[score.shares(weight, at) for score in group] for group in scores]
    most = np.array(FPIRS) * len(np.unique(searches.sample[non_mated]))
    too_few = most < MIN_ERRORS * (1 - _ROUNDING)
    threshold[too_few] = shares[..., too_few] = np.nan
    rows = []
    for g, (attribute, name) in enumerate(masks):
        trials = [searches.count(rows) for rows in groups[g]]
        counts = [round(t.sum() / searches.enrolments) for t in trials]
        for j, fpir in enumerate(FPIRS):
            value = shares[:, g, :, j]
            ends = [share_interval(value[0, k], value[1:, k], trials[k]) for k in range(2)]
            rows.append(
                {
                    "group_attribute": attribute,
                    "group": name,
                    "fpir": fpir,
                    "threshold": threshold[j] * searches.step,
                    "tpir": value[0, 0],
                    "low": ends[0][0],
                    "high": ends[0][1],
                    "group_fpir": value[0, 1],
                    "group_fpir_low": ends[1][0],
                    "group_fpir_high": ends[1][1],
                    "gallery": searches.subjects // 2,
                    "mated": counts[0],
                    "non_mated": counts[1],
                }
            )
    return pd.DataFrame(rows)


class _Sorted:
    """Scores of M searches in descending order, so that any weights of the subjects can be applied fast.

    Args:
        score: (M,) in steps.
        subject: (M,) subject of the probe.
    """

    def __init__(self, score: Floats, subject: Ints) -> None:
        order = np.argsort(-score)
        self.score, self.subject = score[order].astype(float), subject[order]

    def thresholds(self, weight: Floats, shares: Sequence[float]) -> Floats:
        """Return the lowest thresholds that at most a share of the weight reaches; nan without weight."""
        total = np.cumsum(weight[self.subject])
        if not len(total) or not total[-1]:
            return np.full(len(shares), np.nan)
        beyond = np.searchsorted(total, np.array(shares) * total[-1] * (1 + _ROUNDING), side="right")
        return self.score[beyond] + 1  # a step above the best score that would be too many

    def shares(self, weight: Floats, thresholds: Floats) -> Floats:
        """Compute the shares of the weight that reach the thresholds; nan without weight."""
        total = np.concatenate([[0.0], np.cumsum(weight[self.subject])])
        if not total[-1] or np.isnan(thresholds).any():
            return np.full(len(thresholds), np.nan)
        return total[np.searchsorted(-self.score, -thresholds, side="right")] / total[-1]
