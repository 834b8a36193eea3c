"""Processes of a job that may be at work at once, and those that may not."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier

import pytest

from datamodules.errors import DatasetError
from datamodules.jobs.job_folder import JobFolder
from datamodules.jobs.job_shard import Shard

FACTS = {"size": 3, "mode": "box"}


@pytest.fixture
def place(tmp_path):
    return JobFolder(tmp_path / "parts", tmp_path)


def test_shards_work_at_once_and_each_of_them_once(place) -> None:
    with ExitStack() as stack:
        for shard in (Shard(0, 2), Shard(1, 2), Shard(1, 3)):
            stack.enter_context(place.entered(shard, FACTS))
        with (
            pytest.raises(DatasetError, match="another process is at shard 1/2$"),
            place.entered(Shard(1, 2), FACTS),
        ):
            pytest.fail("entered")
        with pytest.raises(DatasetError, match="another process is preparing"), place.entered(None, FACTS):
            pytest.fail("entered")
    with place.entered(None, FACTS):
        for shard in (Shard(1, 2), None):
            with (
                pytest.raises(DatasetError, match="another process is preparing"),
                place.entered(shard, FACTS),
            ):
                pytest.fail("entered")
    with place.entered(Shard(1, 2), FACTS):
        pass


@pytest.mark.parametrize("shard", [Shard(0, 2), Shard(1, 2), None])
def test_all_have_to_agree_with_the_first(place, shard) -> None:
    with place.entered(Shard(0, 2), FACTS):
        pass
    with (
        pytest.raises(DatasetError, match=r"these differ: size \(3 there, 4 here\); give the same") as caught,
        place.entered(shard, FACTS | {"size": 4}),
    ):
        pytest.fail("entered")
    assert "\n" not in str(caught.value)
    assert json.loads(place.facts.read_text())["facts"] == FACTS
    assert "1/2" not in place.unfinished([0]), "what was refused has not begun"


def test_of_those_that_begin_at_the_same_moment_all_agree(tmp_path) -> None:
    def enter(folder, number):
        together.wait()
        try:
            with JobFolder(folder, folder).entered(Shard(number, 8), {"size": number % 2}):
                return number % 2
        except DatasetError:
            return None

    together = Barrier(8)
    for round in range(10):  # a lock is of an open file, so threads exclude one another as processes do
        folder = tmp_path / str(round)
        with ThreadPoolExecutor(8) as pool:
            sizes = list(pool.map(enter, [folder] * 8, range(8)))
        first = json.loads((folder / "job.json").read_text())["facts"]["size"]
        assert sorted(sizes, key=str) == [first] * 4 + [None] * 4
        assert not list(folder.glob("*.partial"))


def test_the_shards_that_are_not_done_are_named(place) -> None:
    assert place.unfinished([0, 1]) == "", "no shard was begun"
    with place.entered(Shard(0, 4), FACTS):
        pass
    assert place.unfinished([]) == ""
    assert "shards 1/4, 3/4;" in place.unfinished([1, 5, 7])
    with place.entered(Shard(2, 3), FACTS):
        pass
    assert "shards 2/3, 1/4;" in place.unfinished([5])
    assert place.after(Shard(0, 4), [1, 5, 7]).endswith("not yet 1/4, 3/4")
    assert "without --shard" in place.after(Shard(0, 4), [])
