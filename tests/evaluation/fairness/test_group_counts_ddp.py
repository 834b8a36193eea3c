import multiprocessing

import numpy as np
import pytest
import torch
import torch.distributed as dist

from evaluation.fairness.group_rates import GroupCounts

pytestmark = pytest.mark.slow  # several processes

# rank 0 gets three batches, rank 1 one; group 2 is on rank 1 only, group 1 on rank 0 only
SHARDS = [
    [([0, 1, 1], [0, 1, 0], [0, 1, 0]), ([1, 0], [1, 1], [1, 1]), ([1], [-1], [0])],
    [([1, 0, 1, 1], [1, 1, 0, -1], [2, 2, 0, 2])],
]


def count_shard(rank, init_file, folder):
    dist.init_process_group("gloo", init_method=f"file://{init_file}", rank=rank, world_size=2)
    metric = GroupCounts(3, 2)
    for batch in SHARDS[rank]:
        metric.update(*(torch.tensor(x) for x in batch))
    np.save(f"{folder}/{rank}.npy", metric.compute().numpy())
    dist.destroy_process_group()


def test_two_uneven_ranks_equal_one_process(tmp_path):
    # a clean server process imports the slow libraries once, for all tests that start ranks
    multiprocessing.set_forkserver_preload(["pytorch_lightning", "callbacks.group_fairness"])
    arguments = (str(tmp_path / "init"), str(tmp_path))
    torch.multiprocessing.start_processes(count_shard, arguments, nprocs=2, start_method="forkserver")
    whole = GroupCounts(3, 2)
    for batch in [*SHARDS[0], *SHARDS[1]]:
        whole.update(*(torch.tensor(x) for x in batch))
    assert whole.compute().sum() == 8
    for rank in range(2):
        np.testing.assert_array_equal(np.load(tmp_path / f"{rank}.npy"), whole.compute().numpy())
