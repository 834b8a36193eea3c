import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodules.annotations.group_split import connected_groups, split_groups

_names = st.lists(st.integers(0, 30).map(lambda i: f"person{i}"), min_size=1, max_size=120)


@given(_names, st.integers(0, 5), st.tuples(*[st.floats(0, 1)] * 3).filter(lambda s: sum(s) > 0.1))
def test_no_group_is_split_and_shares_are_met_closely(names, seed, shares) -> None:
    groups = np.array(names)
    split = split_groups(groups, shares, seed)
    assert all(len(set(split[groups == g])) == 1 for g in groups)
    largest = np.unique(groups, return_counts=True)[1].max()
    wanted = np.array(shares) / sum(shares) * len(groups)
    assert (np.abs(np.bincount(split, minlength=3) - wanted) <= largest + 1e-6).all()
    assert all((split != i).all() for i in range(3) if shares[i] == 0)


@given(_names, st.randoms())
def test_the_deal_does_not_depend_on_the_order_of_the_samples(names, random) -> None:
    groups = np.array(names)
    order = np.array(random.sample(range(len(names)), len(names)))
    assert (split_groups(groups[order]) == split_groups(groups)[order]).all()


def test_the_seed_deals_anew() -> None:
    groups = np.arange(100)
    assert len({split_groups(groups, seed=seed).tobytes() for seed in range(5)}) == 5


def test_shares_must_be_three_numbers() -> None:
    for wrong in ((0.8, 0.2), (0.5, 0.5, -0.1), (0, 0, 0)):
        with pytest.raises(ValueError, match="shares of train, val and test"):
            split_groups(np.arange(3), wrong)


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=1, max_size=25))
def test_connected_groups_are_the_transitive_closure(pairs) -> None:
    a, b = np.array(pairs).T
    groups = connected_groups(a, b)
    closure = (a[:, None] == a) | (b[:, None] == b)
    for _ in range(len(a)):
        closure = (closure.astype(int) @ closure.astype(int)) > 0
    assert ((groups[:, None] == groups) == closure).all()
