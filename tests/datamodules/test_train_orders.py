from collections import Counter

import numpy as np
import pytest
import torch
import torch.distributed as dist
from hypothesis import given, settings
from hypothesis import strategies as st

from datamodules.errors import DatasetError
from datamodules.synthetic_faces import SyntheticFaces
from datamodules.train_orders import IdentityBatches, MixedOrder, TrainOrder

ETHNICITIES = {"ethnicity": ("asian", "black", "white"), "gender": ("female", "male")}


def _orders(
    order: TrainOrder, labels: dict, world_size: int, batch_size: int, epoch: int = 0, seed: int = 0
) -> list[list[int]]:
    """Return the samples that each rank reads in an epoch."""
    labels = {name: torch.as_tensor(column) for name, column in labels.items()}
    shares = []
    for rank in range(world_size):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(dist, "is_initialized", lambda: world_size > 1)
            patch.setattr(dist, "get_world_size", lambda: world_size)
            patch.setattr(dist, "get_rank", lambda rank=rank: rank)
            sampler = order.sampler(labels, ETHNICITIES, batch_size, seed)
            sampler.set_epoch(epoch)
            shares.append(list(sampler))
            assert len(sampler) == len(shares[-1])
    assert len({len(share) for share in shares}) == 1, "ranks of one length"
    return shares


_people = st.lists(st.integers(1, 9), min_size=8, max_size=30)


@settings(deadline=None)
@given(_people, st.integers(1, 3), st.integers(2, 3), st.integers(0, 5))
def test_every_batch_has_exactly_p_people_with_k_images(counts, world_size, k, epoch) -> None:
    identity = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)) * 3, counts))
    identity = np.concatenate([identity, [-1, -1, -1]])
    p = 2
    able = [n for n in counts if n > 1]
    if len(able) < p * world_size:
        with pytest.raises(DatasetError, match=f"there are {len(able)}"):
            _orders(IdentityBatches(k), {"identity": identity}, world_size, p * k)
        return
    shares = _orders(IdentityBatches(k), {"identity": identity}, world_size, p * k, epoch)
    assert len(shares[0]) % (p * k) == 0
    for start in range(0, len(shares[0]), p * k):
        people: list[int] = []
        for share in shares:
            batch = share[start : start + p * k]
            assert sorted(Counter(identity[batch]).values()) == [k] * p
            people += set(identity[batch])
        assert len(people) == len(set(people)), "no person on two ranks at once"
    times = Counter(i for share in shares for i in share)
    for image, n in times.items():
        own = counts[identity[image] // 3]
        assert n == 1 if own >= k else n <= -(-k // own), "images repeat only where there are too few"


def test_people_and_images_change_with_the_epoch_and_the_seed() -> None:
    identity = np.repeat(np.arange(10), 9)

    def epoch(epoch: int, seed: int = 0) -> list[int]:
        return _orders(IdentityBatches(4), {"identity": identity}, 1, 12, epoch, seed)[0]

    assert epoch(0) == epoch(0)
    assert len({tuple(epoch(e, s)) for e in (0, 1) for s in (0, 1)}) == 4
    assert set().union(*(epoch(e) for e in range(12))) == set(range(90)), "nobody is left out for good"


def test_two_ranks_read_the_batches_of_one() -> None:
    identity = np.repeat(np.arange(12), 4)
    one = _orders(IdentityBatches(2), {"identity": identity}, 1, 8)[0]
    two = _orders(IdentityBatches(2), {"identity": identity}, 2, 4)
    for step in range(len(one) // 8):
        both = two[0][4 * step : 4 * step + 4] + two[1][4 * step : 4 * step + 4]
        assert sorted(both) == sorted(one[8 * step : 8 * step + 8])


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([-1, 0, 1, 2]), min_size=20, max_size=80),
    st.integers(1, 3),
    st.integers(0, 3),
)
def test_a_balanced_order_shows_each_group_alike(ethnicity, world_size, epoch) -> None:
    ethnicity = np.array([*ethnicity, 0, 1, 2])
    gender = np.arange(len(ethnicity)) % 2
    labels = {"ethnicity": ethnicity, "gender": gender}
    shares = _orders(MixedOrder(["ethnicity", "gender"]), labels, world_size, 4, epoch)
    read = [i for share in shares for i in share]
    known = int((ethnicity >= 0).sum())
    assert len(read) == known - known % world_size
    groups = Counter(zip(ethnicity[read].tolist(), gender[read].tolist(), strict=True))
    exist = set(zip(ethnicity.tolist(), gender.tolist(), strict=True)) - {(-1, 0), (-1, 1)}
    if known % world_size == 0:
        assert max(groups[g] for g in exist) - min(groups[g] for g in exist) <= 1
    times = Counter(read)
    for group in exist:
        members = np.flatnonzero((ethnicity == group[0]) & (gender == group[1]))
        if known % world_size == 0:
            assert max(times[i] for i in members) - min(times[i] for i in members) <= 1


def test_shares_are_exact_and_every_epoch_draws_anew() -> None:
    ethnicity = np.repeat([0, 1, 2], [1000, 500, 200])
    order = MixedOrder(["ethnicity"], shares={"black": 0.6, "asian": 0.3, "white": 0.1}, n=400)
    epochs = [_orders(order, {"ethnicity": ethnicity}, 2, 10, e) for e in range(2)]
    for shares in epochs:
        read = shares[0] + shares[1]
        assert np.bincount(ethnicity[read]).tolist() == [120, 240, 40]
        assert len(set(read)) == 400, "nothing twice while there is enough"
    assert set(epochs[0][0]) != set(epochs[1][0])


def test_a_class_without_a_share_is_left_out() -> None:
    ethnicity = np.repeat([0, 1, 2], 10)
    order = MixedOrder(["ethnicity"], shares={"white": 3, "black": 1, "asian": 0}, n=40)
    (read,) = _orders(order, {"ethnicity": ethnicity}, 1, 4)
    assert np.bincount(ethnicity[read]).tolist() == [0, 10, 30]


def test_wrong_orders_are_refused_with_the_reason() -> None:
    labels = {"identity": np.arange(9), "ethnicity": np.zeros(9, dtype=int)}
    with pytest.raises(DatasetError, match="batch size 10 is not a multiple of 4 images"):
        _orders(IdentityBatches(4), labels, 1, 10)
    with pytest.raises(DatasetError, match="needs 2 people with 2 images or more, there are 0"):
        _orders(IdentityBatches(4), labels, 1, 8)
    with pytest.raises(DatasetError, match="unknown attribute 'person'; there are identity, ethnicity"):
        _orders(IdentityBatches(4, attribute="person"), labels, 1, 8)
    with pytest.raises(DatasetError, match="ethnicity has no class 'green'; it has asian, black, white"):
        _orders(MixedOrder(["ethnicity"], shares={"green": 1}), labels, 1, 8)
    with pytest.raises(DatasetError, match="no sample of some group"):
        _orders(MixedOrder(["ethnicity"], shares={"white": 1}), labels, 1, 8)
    with pytest.raises(ValueError, match="needs at least 2"):
        IdentityBatches(1)
    for wrong in (
        {"attributes": []},
        {"attributes": ["ethnicity", "gender"], "shares": {"asian": 1}},
        {"attributes": ["ethnicity"], "shares": {"asian": -1}},
        {"attributes": ["ethnicity"], "shares": {"asian": 0}},
        {"attributes": ["ethnicity"], "n": 0},
    ):
        with pytest.raises(ValueError, match="mixed order"):
            MixedOrder(**wrong)


def test_the_loader_of_a_datamodule_follows_the_order() -> None:
    faces = SyntheticFaces(
        size=32, train_identities=12, val_identities=12, test_identities=12, images_per_identity=6,
        batch_size=12, train_order=IdentityBatches(images=3),
    )  # fmt: skip
    faces.setup("fit")
    batches = list(faces.train_dataloader())
    assert len(batches) == 2 * 12 // 4
    for batch in batches:
        assert sorted(Counter(batch["identity"].tolist()).values()) == [3, 3, 3, 3]
    assert [len(batch["index"]) for batch in faces.val_dataloader()] == [12] * 6, "validation is as ever"
