"""Verification errors of each demographic group at one threshold for all groups."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from evaluation.verification.differential_table import differential_table
from evaluation.verification.differentials import n_sigma
from evaluation.verification.error_rates import ErrorCounts, threshold_at_fmr
from evaluation.verification.group_errors import find_errors, rate_intervals
from evaluation.verification.pair_scores import count_pairs, count_tiles
from evaluation.verification.pair_tiles import Metric


def demographic_rates(
    embedding: ArrayLike | Tensor,
    identity: ArrayLike | Tensor,
    group: ArrayLike | Tensor,
    fmr_target: float = 1e-3,
    *,
    metric: Metric = "cosine",
    names: Sequence[str] | None = None,
    draws: int = 1000,
    permutations: int = 999,
    seed: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compute FMR and FNMR of each group at the threshold that is chosen on all pairs together.

    The threshold is the lowest whose FMR over all impostor pairs, within and across groups, is at most
    `fmr_target`. A pair belongs to a group if both its samples do. Impostors of the same group are the
    hardest, so the FMR may well exceed the target in every group. A rate of few pairs is uncertain, so the
    numbers of pairs are reported beside it.

    Args:
        embedding: (N, D).
        identity: (N,) integers; rows with -1 (unknown, padding) are left out.
        group: (N,) integers; rows with -1 count for the threshold and for no group.
        fmr_target: in (0, 1).
        metric: cosine or minus the Euclidean distance.
        names: names of the groups 0, 1, ... for the column `group`; their numbers if None.
        draws: draws of the subjects of each group for the intervals; 0 for none.
        permutations: shuffles of the groups over the subjects for the test of the differentials; 0 for none.
        seed: seed of the draws and shuffles.

    Returns:
        First, one row for each group, those without samples too if they are named: `group`, `threshold` (a
        score, see `PairScores`), `fmr`, `fnmr`, `genuine` and `impostor` (pairs), the ends of 95 % intervals
        of the rates at that threshold, `fmr_low` etc. (see `PairErrors.drawn_rates`; nan without an error and
        for fewer than three subjects), and mean and standard deviation of the scores, `genuine_mean` etc., to
        half a step of the grid of thresholds (3e-5 of a cosine); nan without pairs. Second, the columns of
        `differential_table` for all functions of `differentials`; `n_sigma_genuine` and `n_sigma_impostor`
        have a value alone.

    Raises:
        ValueError: too few impostor pairs for `fmr_target` (see `error_rates.threshold_at_fmr`), a group
            without a name, or see `score_pairs`.
    """
    label = torch.as_tensor(group)
    if label.shape != torch.as_tensor(identity).shape:
        raise ValueError(f"group is {tuple(label.shape)}, it must have a label for each sample")
    tiles, counts = count_pairs(embedding, identity, metric)
    threshold = threshold_at_fmr(counts, fmr_target)
    label = label.to(tiles.order.device)[tiles.order]
    found = [int(g) for g in label.unique() if g >= 0]
    if names is not None and found and found[-1] >= len(names):
        raise ValueError(f"group {found[-1]} has no name, there are {len(names)}")
    thresholds = torch.cat([tiles.grid(), torch.tensor([threshold], dtype=torch.float64)])
    groups = found if names is None else list(range(len(names)))
    rows = [_rates(count_tiles(tiles.take(label == g), thresholds), threshold) for g in groups]
    table = pd.DataFrame(rows, columns=list(_rates(counts, threshold)))
    table.insert(0, "group", groups if names is None else names)
    table.insert(1, "threshold", threshold)
    errors = find_errors(tiles.take(label >= 0), threshold)
    place = np.searchsorted(groups, label[label >= 0].cpu().numpy())
    ends = rate_intervals(errors, place, len(groups), draws, seed)
    tested = differential_table(errors, place, len(groups), draws=draws, permutations=permutations, seed=seed)
    return table.assign(**ends), pd.concat([tested, _score_differentials(table)], ignore_index=True)


def _rates(counts: ErrorCounts, threshold: float) -> dict[str, float]:
    """Compute the reported figures of one group."""
    place = int(np.searchsorted(counts.threshold, threshold))
    moments = {kind: _moments(counts, kind) for kind in ("genuine", "impostor")}
    return {
        "fmr": float(counts.fmr[place]),
        "fnmr": float(counts.fnmr[place]),
        "genuine": counts.genuine,
        "impostor": counts.impostor,
        **{f"{kind}_mean": moment[0] for kind, moment in moments.items()},
        **{f"{kind}_std": moment[1] for kind, moment in moments.items()},
    }


def _moments(counts: ErrorCounts, kind: str) -> tuple[float, float]:
    """Compute mean and standard deviation of scores; those between two thresholds count as their middle."""
    below, upto = getattr(counts, f"{kind}_below"), getattr(counts, f"{kind}_upto")
    if not upto[-1]:
        return float("nan"), float("nan")
    middle = (counts.threshold[1:] + counts.threshold[:-1]) / 2
    value = np.concatenate([counts.threshold, middle])
    weight = np.concatenate([upto - below, below[1:] - upto[:-1]])
    mean = np.average(value, weights=weight)
    return float(mean), float(np.sqrt(np.average((value - mean) ** 2, weights=weight)))


def _score_differentials(table: pd.DataFrame) -> pd.DataFrame:
    """Compute the distances between the groups' scores."""
    values = {}
    for kind in ("genuine", "impostor"):
        mean, deviation = (table[f"{kind}_{name}"].to_numpy(float) for name in ("mean", "std"))
        values[f"n_sigma_{kind}"] = n_sigma(mean, deviation)
    return pd.DataFrame({"measure": list(values), "value": list(values.values())})
