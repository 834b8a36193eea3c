"""Compare a few images pair by pair: two of one subject, the others of other subjects."""

from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from evaluation.samples.arrays import Ints
from evaluation.verification.lfw_protocol import PairRows, listed_scores

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MOST = len(_LETTERS) + 1  # images that have a name each


def compare_images(embedding: ArrayLike, identity: Ints, images: int, seed: int = 0) -> pd.DataFrame:
    """Draw images, and compute the cosine of every pair.

    Args:
        embedding: (N, D).
        identity: (N,) integers; rows with -1 (unknown) are not drawn.
        images: number of images, 2 to 27: two of one subject, and one of each of `images` - 2 others.
        seed: seed of the draw.

    Returns:
        One row for each pair: `first` and `second` (A1 and A2 are of one subject, B, C, ... of others),
        `cosine` in [-1, 1] and `same` (whether they are of one subject).

    Raises:
        ValueError: too many images, too few subjects, or no subject has two images.
    """
    if not 2 <= images <= _MOST:
        raise ValueError(f"{images} images cannot be compared, only 2 to {_MOST}")
    rng = np.random.default_rng(seed)
    order = rng.permutation(np.flatnonzero(identity >= 0))
    who, counts = np.unique(identity[order], return_counts=True)
    twice = who[counts > 1]
    if not len(twice) or len(who) < images - 1:
        raise ValueError(
            f"to compare {images} images takes {images - 1} people, one of them with two images; there are "
            f"{len(who)} people, {len(twice)} with two images"
        )
    one = rng.choice(twice)
    others = rng.permutation(who[who != one])[: images - 2]
    rows = [*order[identity[order] == one][:2], *(order[identity[order] == x][0] for x in others)]
    names = ["A1", "A2", *_LETTERS[1 : images - 1]]
    first, second = np.array(list(combinations(range(images), 2))).T
    same = (first == 0) & (second == 1)
    pairs = PairRows(first, second, same, np.zeros(len(first), np.int64))
    cosine = listed_scores(np.asarray(embedding)[rows], pairs, "cosine")
    return pd.DataFrame(
        {
            "first": [names[i] for i in first],
            "second": [names[i] for i in second],
            "cosine": np.asarray(cosine, float),
            "same": same,
        }
    )
