from types import SimpleNamespace

import pytest
import torch

from callbacks.support.gather import Collected

ONE = SimpleNamespace(world_size=1)


def collect(rows, max_samples=None, trainer=ONE, batch=4):
    kept = Collected(max_samples)
    for part in rows.split(batch):
        kept.add(trainer, {"row": part, "twice": torch.stack([part, part], 1)})
    return kept


@pytest.mark.parametrize("k", [None, 1, 4, 7, 100])
def test_one_process_keeps_the_first_samples(k):
    rows = torch.arange(11)
    kept = collect(rows, k)
    columns = kept.gathered(ONE, None)
    assert torch.equal(columns["row"], rows[:k])
    assert torch.equal(columns["twice"][:, 1], rows[:k])
    assert kept.full(ONE) == (k is not None and k <= 11)


def ranks(shares, k):
    """Gather on each rank, with a communication that stacks what all ranks hold."""
    trainer = SimpleNamespace(world_size=len(shares))
    kept = [collect(share, k, trainer) for share in shares]

    def all_gather(of):
        if isinstance(of, torch.Tensor):
            return torch.tensor([one.samples for one in kept])
        whole = [{name: torch.cat([batch[name] for batch in one.batches]) for name in of} for one in kept]
        return {name: torch.stack([columns[name] for columns in whole]) for name in of}

    module = SimpleNamespace(device="cpu", all_gather=all_gather)
    return [one.gathered(trainer, module) for one in kept]


@pytest.mark.parametrize("k", [None, 5, 7, 12])
def test_ranks_restore_the_order_of_the_split(k):
    rows = torch.arange(12)
    for columns in ranks([rows[0::3], rows[1::3], rows[2::3]], k):
        assert torch.equal(columns["row"], rows[:k])


def test_unequal_shares_are_refused():
    with pytest.raises(RuntimeError, match=r"ranks hold \[6, 5\] samples.*equal shares"):
        ranks([torch.arange(6), torch.arange(5)], None)


def test_without_a_batch_there_is_nothing():
    assert Collected(3).gathered(ONE, None) == {}
