"""Leakage of an eraser by attackers whose subjects it has never met."""

from collections.abc import Callable, Sequence

import numpy as np

from evaluation.leakage.cross_fitted_leakage import UNSEEN_CROWD, LeakageReadings, cross_fitted_leakage
from evaluation.probes.attacker_table import ATTACKERS
from evaluation.probes.standardise import SCALINGS, Scaling
from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.labelled_samples import Samples, known_subjects, subjects_of, take_samples
from evaluation.samples.subject_folds import drawn_subjects

Fit = Callable[[Floats, Ints], Callable[[Floats], Floats]]
"""Fit an eraser to embeddings (N, D) of known labels (N,); returns the map of embeddings (M, D)."""


def unseen_crowd_leakage(
    tested: Samples,
    crowd: Samples,
    fit: Fit,
    *,
    share: float = 0.5,
    attackers: Sequence[str] = ATTACKERS,
    scalings: Sequence[Scaling] = SCALINGS,
    folds: int = 5,
    tune: bool = True,
    max_samples: int = 5000,
    seed: int = 0,
) -> LeakageReadings:
    """Fit an eraser to some subjects, and attack it with others that it has not learned from.

    An eraser fits the subjects that it learns from better than others, so attackers who learn from the same
    subjects learn what does not hold for anybody else, and understate what is read. Real attackers have
    subjects of their own. Compare with `share` 1, where attackers have the tested subjects of other folds
    alone, and with other shares for how the figure depends on the subjects of either side.

    Args:
        tested: original embeddings of the subjects that are attacked; they also teach the attackers of the
            other folds.
        crowd: original embeddings of other subjects, of the same attribute.
        fit: fits the eraser.
        share: share of the subjects of the crowd that the eraser is fitted to; attackers learn from the rest.
        attackers: see `cross_fitted_leakage`, as for the further options.
        scalings: likewise.
        folds: likewise.
        tune: likewise.
        max_samples: likewise.
        seed: seed of the draw of the subjects and of `cross_fitted_leakage`.

    Returns:
        Readings with the further columns `fitted`, the number of samples that the eraser was fitted to, and
        `fitted_people`, of their subjects.

    Raises:
        ValueError: a tested subject is in the crowd; or see `cross_fitted_leakage`.
    """
    if len(both := np.intersect1d(known_subjects(tested), known_subjects(crowd))):
        raise ValueError(f"{len(both)} of the subjects tested are also in the crowd; keep them apart")
    known = take_samples(crowd, np.asarray(crowd.label) >= 0)
    subjects = subjects_of(known)
    chosen = drawn_subjects(subjects, share, seed)
    fitted, rest = take_samples(known, chosen), take_samples(known, ~chosen)
    erase = fit(fitted.embedding, fitted.label)
    found = cross_fitted_leakage(
        tested._replace(embedding=erase(tested.embedding)),
        attackers=attackers,
        scalings=scalings,
        folds=folds,
        tune=tune,
        extra=rest._replace(embedding=erase(rest.embedding)) if len(rest.label) else None,
        max_samples=max_samples,
        seed=seed,
    )
    counts = {"fitted": len(fitted.label), "fitted_people": len(np.unique(subjects[chosen]))}
    origin = {"learned_from": UNSEEN_CROWD} if len(rest.label) else {}
    return found._replace(table=found.table.assign(**counts, **origin))
