"""Closed-set identification rates (CMC) with intervals over subjects."""

import numpy as np
import pandas as pd

from evaluation.samples.subject_bootstrap import draw_counts, share_interval
from evaluation.verification.searches import Masks, Searches

RANKS = (1, 2, 3, 5, 10, 20, 50, 100)


def closed_rates(searches: Searches, masks: Masks, draws: int, seed: int) -> pd.DataFrame:
    """Compute the identification rate at those of `RANKS` that are below the size of the gallery, and at 1.

    Args:
        searches: of all enrolments.
        masks: groups of samples.
        draws: draws of the subjects for the intervals.
        seed: seed of the draws.

    Returns:
        One row for each group and rank: `group_attribute`, `group` (both empty for all probes), `rank`,
        `rate` with its 95 % interval `low` to `high`, `gallery` (enrolled subjects), `probes` (of an
        enrolment, on average) and `subjects` (of the probes). The interval is over the subjects of the
        probes, given the gallery (see `share_interval`). The rate of a group without probes is nan.
    """
    ranks = np.array([rank for rank in RANKS if rank == 1 or rank < searches.subjects])
    rows = []
    for (attribute, name), mask in masks.items():
        mine = ~searches.in_template & mask[searches.sample]
        trials = searches.count(mine)
        hits = np.stack([searches.count(mine & (searches.rank <= rank)) for rank in ranks], 1)
        rng, drawn = np.random.default_rng(seed), np.full((draws, len(ranks)), np.nan)
        for i in range(draws):
            weight = draw_counts(rng, searches.subjects)
            if tried := weight @ trials:
                drawn[i] = weight @ hits / tried
        rate = hits.sum(0) / trials.sum() if trials.any() else np.full(len(ranks), np.nan)
        about = {"group_attribute": attribute, "group": name}
        sizes = {
            "gallery": searches.subjects,
            "probes": round(trials.sum() / searches.enrolments),
            "subjects": int((trials > 0).sum()),
        }
        for j, rank in enumerate(ranks):
            low, high = share_interval(rate[j], drawn[:, j], trials)
            rows.append(about | {"rank": rank, "rate": rate[j], "low": low, "high": high} | sizes)
    return pd.DataFrame(rows)
