"""A few images, pair by pair."""

import numpy as np
import pytest

from evaluation.verification.pair_comparison import compare_images


def people(count=8, images=3, dimension=16, seed=0):
    """One direction a person: cosine 1 within a person, 0 between two."""
    identity = np.random.default_rng(seed).permutation(np.repeat(np.arange(count), images))
    return np.eye(dimension)[identity] * (1 + identity[:, None]), identity


def test_two_images_of_one_person_and_one_of_each_other() -> None:
    frame = compare_images(*people(), images=4)
    assert frame[["first", "second"]].to_numpy().tolist() == [
        ["A1", "A2"], ["A1", "B"], ["A1", "C"], ["A2", "B"], ["A2", "C"], ["B", "C"],
    ]  # fmt: skip
    assert frame["same"].tolist() == [True, False, False, False, False, False]
    np.testing.assert_allclose(frame["cosine"], frame["same"].astype(float), atol=1e-12)


def test_a_seed_draws_the_same_images_and_another_others() -> None:
    rng = np.random.default_rng(1)
    identity = np.repeat(np.arange(20), 4)
    x = rng.normal(size=(80, 5))
    one = compare_images(x, identity, 4, seed=3)
    assert one.equals(compare_images(x, identity, 4, seed=3))
    assert not np.allclose(one["cosine"], compare_images(x, identity, 4, seed=4)["cosine"])
    pairs = x @ x.T / np.outer(*[np.linalg.norm(x, axis=1)] * 2)
    assert all(np.isclose(pairs, cosine).any() for cosine in one["cosine"])


def test_the_unknown_are_not_drawn() -> None:
    x, identity = people(count=3, images=2)
    identity = np.where(identity == 2, -1, identity)
    x[identity < 0] = np.nan
    assert compare_images(x, identity, 3)["cosine"].notna().all()
    with pytest.raises(ValueError, match="takes 3 people, one of them with two images; there are 2 people"):
        compare_images(x, identity, 4)


def test_nobody_twice_and_too_many_are_refused() -> None:
    with pytest.raises(ValueError, match="0 with two images"):
        compare_images(np.eye(5), np.arange(5), 4)
    for images in (1, 28):
        with pytest.raises(ValueError, match="only 2 to 27"):
            compare_images(*people(count=40, dimension=40), images=images)
    assert len(compare_images(*people(count=40, dimension=40), images=27)) == 27 * 26 // 2
