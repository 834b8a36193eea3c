import multiprocessing
import os
import signal

import pytest
from torch.utils.data import DataLoader

from datamodules.loading.late_loader import LateLoader

LOST = 7  # exit code of a reader whose loader processes died


def read_told(loader):
    """Read 40 numbers by a loader whose processes get SIGTERM after the first batch."""
    batches = iter(loader(list(range(40)), batch_size=4, num_workers=2))
    found = next(batches).tolist()
    children = multiprocessing.active_children()
    assert len(children) == 2
    for child in children:
        os.kill(child.pid, signal.SIGTERM)
    found += [number for batch in batches for number in batch.tolist()]
    for child in children:
        child.join(10)
    assert found == list(range(40))
    assert [child.exitcode for child in children] == [0, 0]


def end_by_error(loader):
    try:
        read_told(loader)
    except (RuntimeError, ConnectionError):  # what its reader is doing decides
        os._exit(LOST)


def exit_code_of(loader):
    """Return how a process of its own ends: torch raises in whatever runs when a loader process has died."""
    process = multiprocessing.get_context("spawn").Process(target=end_by_error, args=(loader,))
    process.start()
    process.join(60)
    return process.exitcode


@pytest.mark.slow
def test_loader_processes_ignore_the_signal_to_a_whole_job():
    assert exit_code_of(LateLoader) == 0
    assert exit_code_of(DataLoader) == LOST  # the control


def test_the_reader_itself_hears_the_signal():
    heard = []
    before = signal.signal(signal.SIGTERM, lambda *_: heard.append(1))
    try:
        next(iter(LateLoader([1, 2], batch_size=1, num_workers=1)))
        os.kill(os.getpid(), signal.SIGTERM)
        assert heard == [1]
    finally:
        signal.signal(signal.SIGTERM, before)
