"""Sweep the bias of the training samples, and measure how the gaps between two groups grow with it."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from evaluation.fairness.classifiers import Downstream, downstream
from evaluation.fairness.downstream_samples import check_attributes, draw_biased_rows
from evaluation.fairness.predictions import Predictions
from evaluation.fairness.signed_gaps import MEASURES, resampled_gaps, signed_gaps
from evaluation.probes.heads import Head
from evaluation.samples.representations import Representations
from evaluation.samples.subject_bootstrap import percentile_interval

BIASES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""Shares, see `bias` of `downstream`."""


def sweep_bias(
    representations: Representations,
    representation: str,
    target: str,
    group: str,
    *,
    train_rows: np.ndarray,
    val_rows: np.ndarray,
    test_rows: np.ndarray,
    balance: str | None = None,
    biases: Sequence[float] = BIASES,
    head: Head = "mlp",
    draws: int = 5,
    seed: int = 0,
) -> dict[float, Downstream]:
    """Train classifiers on samples of several biases that differ in nothing else.

    All biases share the number of training samples (the largest that each of them allows), the seeds, the
    validation and test samples, and as many training samples as possible.

    Args:
        representations: see `downstream`, as for all arguments but the biases.
        representation: name of the one that the classifiers use.
        target: the binary attribute to predict.
        group: the binary attribute that the training is biased in.
        train_rows: (M,) int or (N,) bool.
        val_rows: (M,) int or (N,) bool.
        test_rows: (M,) int or (N,) bool.
        balance: an attribute over which all samples are balanced.
        biases: different shares.
        head: `mlp` or `linear`.
        draws: number of classifiers for each bias.
        seed: seed of every random choice.

    Returns:
        The predictions by bias.

    Raises:
        ValueError: see `downstream`.
    """
    check_attributes(representations, target, group, balance)
    chosen = np.arange(len(representations))[train_rows]
    attributes = (target, group, balance)
    labels = representations.labels
    sizes = [len(draw_biased_rows("training", labels, chosen, attributes, seed, bias=b)) for b in biases]
    return {
        bias: downstream(
            representations,
            representation,
            target,
            group,
            train_rows=train_rows,
            val_rows=val_rows,
            test_rows=test_rows,
            balance=balance,
            bias=bias,
            n_train=min(sizes),
            head=head,
            draws=draws,
            seed=seed,
        )
        for bias in biases
    }


def bias_sweep_gaps(predictions: Mapping[float, Predictions], seed: int = 0) -> pd.DataFrame:
    """Compute the gaps at each bias.

    Args:
        predictions: by bias, on validation or test samples; see `sweep_bias`.
        seed: seed of the bootstrap.

    Returns:
        One row for each bias and measure: `bias`, the columns of `signed_gaps`, and `n_train`.
    """
    tables = []
    for bias, predicted in predictions.items():
        table = signed_gaps(predicted, seed).assign(n_train=predicted.n_train)
        table.insert(0, "bias", bias)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def bias_sweep_slopes(predictions: Mapping[float, Predictions], seed: int = 0) -> pd.DataFrame:
    """Fit the growth of each gap with the bias by least squares.

    Args:
        predictions: by bias, at least two of them, for the same subjects; see `sweep_bias`.
        seed: seed of the bootstrap.

    Returns:
        One row for each of `MEASURES`: `measure`, `slope` (0.5 is 5 points of gap for 10 points of bias), and
        `low` and `high`, its 95 % interval over subjects and draws, which are the same at all biases.

    Raises:
        ValueError: fewer than two biases, or predictions for different subjects or draws.
    """
    if len(predictions) < 2:
        raise ValueError(f"a slope needs two biases or more, got {len(predictions)}")
    first, *others = predictions.values()
    if any(len(np.setxor1d(first.subject, other.subject)) or first.draws != other.draws for other in others):
        raise ValueError("the biases are about different people or draws; test them on the same")
    bias = np.array(list(predictions)) - np.mean(list(predictions))
    gaps = [resampled_gaps(predicted, seed) for predicted in predictions.values()]
    rows = []
    for measure in MEASURES:
        slopes = bias @ np.stack([gap[measure] for gap in gaps]) / (bias @ bias)
        low, high = percentile_interval(slopes[1:])
        rows.append({"measure": measure, "slope": slopes[0], "low": low, "high": high})
    return pd.DataFrame(rows)
