"""Two processes: every method's ranks stay alike, and means over samples are those of one process.

What is not a mean over samples is of each process's own share of the batch: BatchNorm statistics (see
`--trainer.sync_batchnorm`), the pairs of EnD, the triplets of SensitiveNets, LAFTR's group means, and the
means over samples of known label where their number differs.
"""

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.support.ddp_methods import VARIANTS, build, halves, train

pytestmark = pytest.mark.slow  # two processes

LOCAL = {"end", "sensitivenets"}  # whose losses are of pairs or triplets


@pytest.fixture(scope="module")
def ranks(tmp_path_factory) -> list[dict[str, Any]]:
    """Return the results of each of two processes."""
    folder = tmp_path_factory.mktemp("ranks")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.ddp_methods", str(folder)],
            env=os.environ | common | {"RANK": str(k), "LOCAL_RANK": str(k), "TORCHELASTIC_RUN_ID": "test"},
            cwd=Path(__file__).parents[3], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        )
        for k in range(2)
    ]  # fmt: skip
    errors = [process.communicate(timeout=200)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], errors[0][-3000:] + errors[1][-3000:]
    return [torch.load(folder / f"{k}.pt", weights_only=True) for k in range(2)]


@pytest.mark.parametrize("name", VARIANTS)
def test_the_processes_end_alike_and_means_are_those_of_one(name, ranks, tmp_path):
    ours, theirs = (rank[name] for rank in ranks)
    assert ours.keys() == theirs.keys()
    assert [n for n in ours if not torch.equal(ours[n], theirs[n])] == []
    start = build(name).state_dict()
    assert [n for n in ours if not torch.equal(ours[n], start[n])]
    if name in LOCAL:
        return
    whole = [{k: torch.cat([half[k] for half in batch]) for k in batch[0]} for batch in halves()]
    one = train(name, tmp_path, whole, "auto", 1)
    for key, value in one.items():
        torch.testing.assert_close(ours[key], value, rtol=1e-9, atol=1e-11, msg=key)


@pytest.mark.parametrize(("name", "class_name"), [("lntl", "LNTL"), ("sensitivenets", "SensitiveNets")])
def test_two_optimizers_refuse_plain_ddp_and_say_what_to_set(name, class_name, ranks):
    expected = (
        f"MisconfigurationException: {class_name} trains by two optimizers, which plain DDP cannot: "
        "set --trainer.strategy ddp_find_unused_parameters_true"
    )
    assert [rank[f"plain {name}"] for rank in ranks] == [expected] * 2


def test_one_optimizer_needs_no_search_for_unused_parameters(ranks):
    torch.testing.assert_close(ranks[0]["plain dann"], ranks[0]["dann"])
