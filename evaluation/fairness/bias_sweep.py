"""How the gap between two groups grows with the bias of what a classifier learned from."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from evaluation.fairness.classifiers import Downstream, downstream
from evaluation.fairness.downstream_samples import check_attributes, draw_rows
from evaluation.fairness.predictions import Answers
from evaluation.fairness.resampled_rates import interval
from evaluation.fairness.signed_gaps import MEASURES, resampled_gaps, signed_gaps
from evaluation.probes.heads import Head
from evaluation.samples.representations import Representations

DOSES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""Shares, see `bias` of `downstream`."""


def dose_answers(
    representations: Representations,
    representation: str,
    target: str,
    group: str,
    *,
    train_rows: np.ndarray,
    val_rows: np.ndarray,
    test_rows: np.ndarray,
    balance: str | None = None,
    doses: Sequence[float] = DOSES,
    head: Head = "mlp",
    draws: int = 5,
    seed: int = 0,
) -> dict[float, Downstream]:
    """What classifiers answer, by the bias of their training; nothing else differs between them.

    The doses share the number of training samples (the largest that all of them allow), the seeds, the
    validation and test samples and what training samples they can.

    Args:
        representations: see `downstream`, as for all but the doses.
        representation: which of them the classifiers see.
        target: the binary attribute to predict.
        group: the binary attribute that the training is biased in.
        train_rows: (M,) int or (N,) bool.
        val_rows: likewise.
        test_rows: likewise.
        balance: an attribute over which all samples are balanced.
        doses: shares, each once.
        head: `mlp` or `linear`.
        draws: classifiers a dose.
        seed: of everything drawn.

    Raises:
        ValueError: as `downstream`.
    """
    check_attributes(representations, target, group, balance)
    chosen = np.arange(len(representations))[train_rows]
    attributes = (target, group, balance)
    labels = representations.labels
    sizes = [len(draw_rows("training", labels, chosen, attributes, seed, bias=dose)) for dose in doses]
    return {
        dose: downstream(
            representations,
            representation,
            target,
            group,
            train_rows=train_rows,
            val_rows=val_rows,
            test_rows=test_rows,
            balance=balance,
            bias=dose,
            n_train=min(sizes),
            head=head,
            draws=draws,
            seed=seed,
        )
        for dose in doses
    }


def dose_response(answers: Mapping[float, Answers], seed: int = 0) -> pd.DataFrame:
    """The gaps at each dose.

    Args:
        answers: by bias, of validation or of test; see `dose_answers`.
        seed: of the bootstrap.

    Returns:
        One row a dose and measure: `bias`, then the columns of `signed_gaps`, then `n_train`.
    """
    tables = []
    for dose, answered in answers.items():
        table = signed_gaps(answered, seed).assign(n_train=answered.n_train)
        table.insert(0, "bias", dose)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def dose_slopes(answers: Mapping[float, Answers], seed: int = 0) -> pd.DataFrame:
    """How much the gaps grow with the bias: least squares over the doses.

    Args:
        answers: by bias, two doses or more, about the same people; see `dose_answers`.
        seed: of the bootstrap.

    Returns:
        One row for each of `MEASURES`: `measure`, `slope` (0.5 is 5 points of gap for 10 points of bias), and
        `low` and `high`, its 95 % interval over people and draws, the same at all doses.

    Raises:
        ValueError: fewer than two doses, or answers that are not about the same people and draws.
    """
    if len(answers) < 2:
        raise ValueError(f"a slope needs two doses or more, got {len(answers)}")
    first, *others = answers.values()
    if any(len(np.setxor1d(first.person, other.person)) or first.draws != other.draws for other in others):
        raise ValueError("the doses are about different people or draws; test them on the same")
    dose = np.array(list(answers)) - np.mean(list(answers))
    gaps = [resampled_gaps(answered, seed) for answered in answers.values()]
    rows = []
    for measure in MEASURES:
        slopes = dose @ np.stack([gap[measure] for gap in gaps]) / (dose @ dose)
        low, high = interval(slopes[1:])
        rows.append({"measure": measure, "slope": slopes[0], "low": low, "high": high})
    return pd.DataFrame(rows)
