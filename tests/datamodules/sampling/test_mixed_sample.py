import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodules.errors import DatasetError
from datamodules.sampling.mixed_sample import MixedSample, allot

CLASSES = {"ethnicity": ("asian", "black", "white"), "gender": ("female", "male")}
SHARES = {"black": 0.6, "asian": 0.3, "white": 0.1}


@given(st.integers(0, 500), st.lists(st.floats(0, 5), min_size=1, max_size=6).filter(lambda s: sum(s) > 0.01))
def test_an_allotment_is_complete_and_within_one_of_its_share(n, shares) -> None:
    counts = allot(n, shares)
    assert sum(counts) == n
    for count, share in zip(counts, shares, strict=True):
        assert abs(count - n * share / math.fsum(shares)) < 1 + 1e-6


def test_sixty_thirty_ten() -> None:
    labels = {"ethnicity": np.repeat([0, 1, 2, -1], [1500, 2000, 500, 100])}
    drawn = MixedSample(SHARES, n=3000).draw(labels, CLASSES, seed=0)
    assert np.bincount(labels["ethnicity"][drawn]).tolist() == [900, 1800, 300]
    assert len(set(drawn.tolist())) == 3000
    assert (np.diff(drawn) > 0).all()


@given(st.lists(st.integers(0, 40), min_size=3, max_size=3), st.integers(0, 3))
def test_the_largest_n_fits_and_one_more_does_not(have, seed) -> None:
    labels = {"ethnicity": np.repeat([0, 1, 2], have)}
    try:
        largest = len(MixedSample(SHARES).draw(labels, CLASSES, seed))
    except DatasetError:
        largest = 0
    with pytest.raises(DatasetError, match=f"the largest n is {largest}"):
        MixedSample(SHARES, n=largest + 1).draw(labels, CLASSES, seed)


def test_a_smaller_sample_is_part_of_a_larger_one() -> None:
    labels = {"ethnicity": np.arange(600) % 3}
    draws = {n: MixedSample(SHARES, n=n).draw(labels, CLASSES, 1) for n in (50, 100, 300)}
    assert set(draws[50]) < set(draws[100]) < set(draws[300])
    assert set(MixedSample(SHARES, n=50).draw(labels, CLASSES, 2)) != set(draws[50])


def test_wrong_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="ethnicity has no class 'green'; it has asian, black, white"):
        MixedSample({"green": 1.0}).check(CLASSES)
    with pytest.raises(ValueError, match="unknown attribute 'age'"):
        MixedSample({"old": 1.0}, attribute="age").check(CLASSES)
    for shares, n in (({}, None), ({"a": -1.0, "b": 2.0}, None), ({"a": 0.0}, None), ({"a": 1.0}, 0)):
        with pytest.raises(ValueError, match="mixed sample"):
            MixedSample(shares, n=n)
