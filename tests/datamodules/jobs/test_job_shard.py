"""Shares are every part once."""

import pytest

from datamodules.jobs.job_shard import Shard, listed, parts_of, shards_with


@pytest.mark.parametrize("total", [0, 1, 7, 8, 100])
@pytest.mark.parametrize("count", [1, 2, 3, 8, 13])
def test_the_shares_are_even_and_have_every_part_once(total, count) -> None:
    shards = [list(parts_of(Shard(index, count), total)) for index in range(count)]
    assert sorted(sum(shards, [])) == list(range(total)) == list(parts_of(None, total))
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


@pytest.mark.parametrize("text", ["0/1", "3/8", "7/8", "12/1000"])
def test_a_share_reads_as_it_is_written(text) -> None:
    assert str(Shard.parse(text)) == text
    assert Shard.parse(text) == Shard(*map(int, text.split("/")))


@pytest.mark.parametrize(
    "text", ["", "/8", "3", "3/", "3/0", "-1/8", "a/b", "1/8/2", "1 / 8", "1/8\n", "1.0/8", "٣/8"]
)
def test_other_texts_are_refused(text) -> None:
    with pytest.raises(ValueError, match=r"^--shard is '.*'; give i/n, such as 0/8 for the first of eight$"):
        Shard.parse(text)


@pytest.mark.parametrize("text", ["8/8", "9/8", "1/1"])
def test_a_share_beyond_the_last_is_refused(text) -> None:
    count = int(text[-1])
    with pytest.raises(
        ValueError, match=f"of {count} shards 0/{count} is the first and {count - 1}/{count} the last"
    ):
        Shard.parse(text)


def test_the_shares_of_some_parts() -> None:
    assert shards_with([], 3) == []
    assert shards_with([5, 2, 8, 6], 3) == [Shard(0, 3), Shard(2, 3)]
    for k in range(20):
        assert [k in parts_of(shard, 20) for shard in shards_with([k], 7)] == [True]


def test_long_lists_are_cut() -> None:
    assert listed([Shard(1, 4), Shard(3, 4)]) == "1/4, 3/4"
    assert listed([Shard(i, 10) for i in range(10)]).endswith("8/10, 9/10")
    assert listed([Shard(i, 99) for i in range(99)]).endswith("9/99 and 89 more")
