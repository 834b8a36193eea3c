"""Read an attribute without a classifier, from the most similar labelled embeddings of each class."""

from collections.abc import Sequence

import numpy as np
import torch

from evaluation.probes.attacker_table import Setting
from evaluation.samples.arrays import Floats, Ints

_ROWS = 2048  # test samples at once, so that memory does not grow with the test set


def similarity(
    train: Floats, label: Ints, test: Floats, settings: Sequence[Setting], seed: int
) -> list[Ints]:
    """Predict the class whose n most similar training samples have the highest mean cosine.

    The attack of Osorio-Roig et al. 2022, "An Attack on Facial Soft-Biometric Privacy Enhancement", which
    needs no training and finds what protected templates still share with others of their class. The mean
    weighs all n equally, or rank r by log10((r + 1) / r).

    Args:
        train: (N, D) embeddings.
        label: (N,) classes 0, 1, ...
        test: (M, D), scaled as `train`.
        settings: points with `n`, at most the samples of a class, and `log_rank`, 0 or 1.
        seed: not used.

    Returns:
        Predicted classes (M,) for each setting.
    """
    classes = np.unique(label)
    return [classes[scores.argmax(1)] for scores in similarity_scores(train, label, test, settings)]


def similarity_scores(
    train: Floats, label: Ints, test: Floats, settings: Sequence[Setting]
) -> list[np.ndarray]:
    """Compute the mean cosines of `similarity`, (M, classes that occur), for each setting."""
    most = max(int(setting["n"]) for setting in settings)
    groups = [torch.from_numpy(_unit(train[label == c])) for c in np.unique(label)]
    weights = [[_weights(setting, min(most, len(group))) for group in groups] for setting in settings]
    found: list[list[np.ndarray]] = []
    for block in torch.from_numpy(_unit(test)).split(_ROWS):
        top = [(block @ group.T).topk(min(most, len(group))).values for group in groups]
        found.append(
            [
                torch.stack([t @ w for t, w in zip(top, of_setting, strict=True)], 1).numpy()
                for of_setting in weights
            ]
        )
    return [np.concatenate(parts) for parts in zip(*found, strict=True)]


def _weights(setting: Setting, count: int) -> torch.Tensor:
    """Return weights (count,) of the ranks, which sum to 1; ranks beyond n weigh nothing."""
    rank = np.arange(1, count + 1)
    weight = np.log10((rank + 1) / rank) if setting["log_rank"] else np.ones(count)
    weight = np.where(rank <= setting["n"], weight, 0)
    return torch.from_numpy((weight / weight.sum()).astype(np.float32))


def _unit(x: Floats) -> Floats:
    size = np.abs(x).max(1, keepdims=True)
    x = x / np.where(size > 0, size, 1)
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return (x / np.where(length > 0, length, 1)).astype(np.float32)
