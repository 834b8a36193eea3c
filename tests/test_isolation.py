"""Tests do not depend on one another: each has its own seed, and what it changes of the process is undone."""

from pathlib import Path

import pytest

CHANGES = '''
import os, signal
from pathlib import Path
import matplotlib, torch

def state():
    return (os.environ.get("LOCAL_RANK"), os.getcwd(), signal.getsignal(signal.SIGTERM),
            torch.are_deterministic_algorithms_enabled(), torch.get_num_threads(), torch.get_default_dtype(),
            torch.get_float32_matmul_precision(), matplotlib.rcParams["font.size"])

BEFORE = state()

def change(tmp_path):
    assert state() == BEFORE
    os.environ["LOCAL_RANK"] = "0" if BEFORE[0] != "0" else "1"
    os.chdir(tmp_path)
    signal.signal(signal.SIGTERM, lambda *_: None)
    torch.use_deterministic_algorithms(not BEFORE[3], warn_only=True)
    torch.set_num_threads(BEFORE[4] + 1)
    torch.set_default_dtype(torch.float64)
    torch.set_float32_matmul_precision("medium" if BEFORE[6] != "medium" else "high")
    matplotlib.rcParams["font.size"] = 33
    assert not any(now == then for now, then in zip(state(), BEFORE))

def test_one(tmp_path):
    change(tmp_path)

def test_other(tmp_path):
    change(tmp_path)
'''  # fmt: skip
DRAWS = """
import random
import numpy as np, pytest, torch
from pathlib import Path

def draw():
    return f"{random.random()} {np.random.rand()} {torch.rand(1).item()}"

@pytest.fixture(scope="module")
def shared():
    return draw()

@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_draw(name, shared):
    with open("drawn.txt", "a") as file:
        print(name, draw(), shared, file=file)
"""
HOOKS = "from tests.support.plugin import *\nfrom tests.support.plugin import _own_process\n"


@pytest.fixture
def suite(pytester) -> pytest.Pytester:
    """A folder of tests with this suite's hooks."""
    pytester.makeconftest(HOOKS)
    pytester.makefile(".cfg", setup=(Path(__file__).parents[1] / "setup.cfg").read_text())
    return pytester


def test_what_a_test_changes_of_the_process_is_undone(suite) -> None:
    suite.makepyfile(CHANGES)
    suite.runpytest_inprocess().assert_outcomes(passed=2)


def test_a_test_draws_the_same_in_any_order(suite) -> None:
    suite.makepyfile(DRAWS)
    drawn = []
    for seed in (1, 2, 3):
        result = suite.runpytest_inprocess(f"--randomly-seed={seed}")
        result.assert_outcomes(passed=3)
        result.stdout.fnmatch_lines([f"Using --randomly-seed={seed}"])
        file = Path("drawn.txt")
        drawn.append(file.read_text().splitlines())
        file.unlink()
    assert {tuple(sorted(lines)) for lines in drawn} == {tuple(sorted(drawn[0]))}
    assert len({tuple(lines) for lines in drawn}) > 1, "the order is random"
    own = [line.split()[1:4] for line in drawn[0]]
    assert len({value for values in own for value in values}) == 9
    assert len({tuple(line.split()[4:]) for line in drawn[0]}) == 1
