"""People whose attributes lie in known features, so that a biased classifier's gap has a closed form."""

import math
from statistics import NormalDist

import numpy as np

from evaluation.fairness.predictions import Predictions
from evaluation.samples.representations import Representations

SIGNAL = 1.0  # half the distance between the targets, in standard deviations


def people(count=3000, images=2, seed=0):
    """`sees_group` holds the target with noise and the group without, `blind` noise in place of the group.

    A third of the people each are in training, validation and test. The attributes are independent.
    """
    rng = np.random.default_rng(seed)
    n = count * images
    labels = {name: rng.integers(2, size=n) for name in ("attractive", "smiling", "gender")}
    labels["ethnicity"] = rng.integers(3, size=n)
    signal = (2 * labels["attractive"] - 1) * SIGNAL + rng.normal(size=n)
    embeddings = {
        "sees_group": np.stack([signal, labels["smiling"]], 1).astype(np.float32),
        "blind": np.stack([signal, rng.normal(size=n)], 1).astype(np.float32),
    }
    identity = np.repeat(np.arange(count), images)
    return Representations(
        embeddings=embeddings,
        labels=labels,
        classes={"smiling": ("no", "yes"), "attractive": ("no", "yes"), "gender": ("female", "male")}
        | {"ethnicity": ("a", "b", "c")},
        identity=identity,
        split=identity % 3,
        sample_id=identity.astype(str),
    )


def rows(representations):
    """The rows of `downstream`."""
    return {f"{name}_rows": representations.split == i for i, name in enumerate(("train", "val", "test"))}


def optimal_gap(bias):
    """TPR (and FPR) gap of the best classifier that sees the group and was trained with this bias.

    Its log odds are 2 SIGNAL z + (2 group - 1) log(bias / (1 - bias)), z being normal around +-SIGNAL.
    """
    shift = math.log(bias / (1 - bias)) / (2 * SIGNAL)
    return NormalDist().cdf(SIGNAL + shift) - NormalDist().cdf(SIGNAL - shift)


def random_answers(n=400, draws=3, seed=0, images=2, skill=1.0):
    """Predictions with ties among the scores, about people of whom each draw asks some."""
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(n // images), images)
    group, target = rng.integers(2, size=(2, n))
    asked = [np.sort(rng.permutation(n)[: n * 3 // 4]) for _ in range(draws)]
    chosen = np.concatenate(asked)
    score = np.round(skill * target[chosen] + 0.5 * group[chosen] + rng.normal(size=len(chosen)), 1)
    return Predictions(
        draw=np.repeat(np.arange(draws), n * 3 // 4),
        subject=person[chosen],
        group=group[chosen],
        target=target[chosen],
        score=score,
        prediction=(score > 0.5).astype(int),
        groups=("smiling: no", "smiling: yes"),
        n_train=100,
    )
