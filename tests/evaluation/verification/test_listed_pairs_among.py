"""Listed pairs of a representation that lacks samples."""

import numpy as np

from evaluation.verification.lfw_protocol import PairRows
from evaluation.verification.listed_pairs import ListedPairs


def test_pairs_of_samples_that_are_lacking_have_no_score():
    pairs = PairRows(np.array([0, 1, -1]), np.array([1, 2, 2]), np.ones(3, bool), np.zeros(3, np.int64))
    some = ListedPairs(pairs, pairs).among(np.array([True, True, False]))
    for found in (some.test, some.train):
        assert found.first.tolist() == [0, 1, -1]
        assert found.second.tolist() == [1, -1, -1]
    assert ListedPairs(pairs).among(np.array([True, True, True])).train is None
