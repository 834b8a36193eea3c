"""Embeddings whose leak is known by construction."""

import numpy as np

from evaluation.samples.labelled_samples import Samples


def leaking(kind: str, people: int = 120, images: int = 6, width: int = 8, seed: int = 0) -> Samples:
    """Samples of people with an attribute of two classes.

    `none`: the embedding is the person's place and noise. `linear`, `xor`: two features tell the class by
    their sum, or by the product of their signs. `tiny`: linear, at a millionth of the scale. `confounded`:
    people show class 1 more often whose place is far along the first feature, and nothing else tells it.
    `constant`: the class is the person's, and moves the place.
    """
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(people), images)
    place = rng.normal(size=(people, width))
    label = np.tile(np.arange(images) % 2, people)
    if kind == "confounded":
        often = rng.integers(2, size=people)
        place[:, 0] += 6 * often
        label = (rng.random(len(person)) < np.where(often, 0.85, 0.15)[person]).astype(int)
    if kind == "constant":
        one = np.arange(people) % 2
        place[:, 0] += 4 * one
        label = one[person]
    x = place[person] + rng.normal(size=(len(person), width))
    if kind in ("linear", "tiny"):
        x[:, :2] += 2 * label[:, None]
    if kind == "xor":
        signs = rng.choice([-1.0, 1.0], size=len(person))
        x[:, 0], x[:, 1] = 3 * signs, 3 * signs * (2 * label - 1)
        x[:, :2] += rng.normal(size=(len(person), 2))
    return Samples(x * 1e-6 if kind == "tiny" else x, label, person)
