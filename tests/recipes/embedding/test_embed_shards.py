"""Embedding tables in shards, through the real entry point."""

import shutil

import pytest
import torch

from recipes import embed
from recipes.embedding.embedding_chunks import ChunkFolder
from recipes.embedding.embedding_job import EmbeddingJob
from tests.support.embed_command import NOISE, QUIET, exit_code_of, looped, run


@pytest.fixture
def backbone(network) -> str:
    return f"--model.backbone={network}"


def shard(share: str, out, *more: str) -> None:
    embed.main([*NOISE, *QUIET, f"--out={out}", f"--shard={share}", *more])


@pytest.fixture
def whole(backbone, tmp_path) -> bytes:
    run(tmp_path / "whole", backbone)
    return (tmp_path / "whole").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("order", [[0], [1, 0], [2, 0, 1], [11, 3, 7, 0, 8, 2, 10, 1, 4, 9, 6, 5]])
def test_shards_in_any_order_make_the_same_bytes(backbone, tmp_path, whole, order, embedded, capsys):
    out, count = tmp_path / "t", len(order)
    embedded.clear()
    for index in order:
        assert not out.exists()
        shard(f"{index}/{count}", out, backbone)
    assert sum(embedded) == 70, "every sample once"
    last = f"shard {order[-1]}/{count} is done, and all others; the same command without --shard"
    assert capsys.readouterr().out.splitlines()[-1] == f"{out}: {last} puts them together"
    run(out, backbone)
    assert sum(embedded) == 70, "merging embeds nothing"
    assert out.read_bytes() == whole
    assert not (tmp_path / "t.parts").exists()
    assert "not finished" not in capsys.readouterr().out
    for more in ([], ["--shard=0/2"]):
        embed.main([*NOISE, *QUIET, f"--out={out}", backbone, *more])
        assert f"{out} was finished before, nothing to do" in capsys.readouterr().out
    assert out.read_bytes() == whole
    assert not (tmp_path / "t.parts").exists()


def test_a_killed_shard_goes_on_and_a_missing_one_is_done(
    backbone, tmp_path, whole, embedded, killed, capsys
):
    out = tmp_path / "t"
    killed(2, out, backbone, "--shard=0/3")  # has four parts: 0, 3, 6 and 9
    embedded.clear()
    shard("0/3", out, backbone)
    printed = capsys.readouterr().out
    assert "16 of 25 samples were embedded before" in printed
    assert printed.splitlines()[-1] == f"{out}: shard 0/3 is done, not yet 1/3, 2/3"
    assert sum(embedded) == 9
    shard("2/3", out, backbone)
    embedded.clear()
    run(out, backbone)
    assert f"{out}: not finished: shards 1/3" in capsys.readouterr().out
    assert sum(embedded) == 8 + 5 + 8
    assert out.read_bytes() == whole


@pytest.mark.slow
def test_a_merge_that_is_killed_is_run_again(backbone, tmp_path, whole, embedded, monkeypatch):
    out = tmp_path / "t"
    embedded.clear()
    for share in ("0/2", "1/2"):
        shard(share, out, backbone)
    for name in ("merge", "remove"):
        with monkeypatch.context() as patch:
            patch.setattr(ChunkFolder, name, _interrupted)
            with pytest.raises(KeyboardInterrupt):
                run(out, backbone)
    assert out.read_bytes() == whole
    run(out, backbone)
    assert out.read_bytes() == whole
    assert sum(embedded) == 70


def _interrupted(self):
    raise KeyboardInterrupt


@pytest.mark.slow
def test_what_a_run_of_all_had_done_is_not_done_by_shards(backbone, tmp_path, whole, embedded, killed):
    out = tmp_path / "t"
    killed(3, out, backbone)
    embedded.clear()
    for share in ("1/2", "0/2"):
        shard(share, out, backbone)
    assert sum(embedded) == 70 - 3 * 8
    run(out, backbone)
    assert out.read_bytes() == whole


@pytest.mark.parametrize("more", [["--shard=1/2"], []])
def test_other_options_than_another_shards_are_one_line(backbone, tmp_path, capsys, more):
    out = tmp_path / "t"
    shard("0/2", out, backbone)
    parts = sorted((tmp_path / "t.parts").rglob("*.safetensors"))
    capsys.readouterr()
    for change, named in (
        ("--mirror=true", "mirror (false there, true here)"),
        ("--shard_size=12", "shard_size (7 there, 12 here)"),
        ("--splits=[train]", "splits (train,val,test there, train here)"),
    ):
        assert exit_code_of([*NOISE, *QUIET, f"--out={out}", backbone, *more, change]) == 2
        (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("error: ")]
        assert f"t.parts: was prepared otherwise, these differ: {named}" in line
        assert "give the same options or another --out, or delete" in line
    assert sorted((tmp_path / "t.parts").rglob("*.safetensors")) == parts


def test_shards_and_a_run_of_all_are_not_at_work_at_once(backbone, tmp_path, monkeypatch, capsys):
    out, original, codes = tmp_path / "t", EmbeddingJob._write, []
    arguments = [*NOISE, *QUIET, f"--out={out}", backbone]

    def write(self, part, embedding):
        if not codes:
            codes.append(exit_code_of(arguments))
            codes.append(exit_code_of([*arguments, "--shard=0/2"]))
        original(self, part, embedding)

    monkeypatch.setattr(EmbeddingJob, "_write", write)
    shard("0/2", out, backbone)
    assert codes == [2, 2]
    first, second = (x for x in capsys.readouterr().err.splitlines() if x.startswith("error: "))
    assert "another process is preparing" in first
    assert "another process is at shard 0/2" in second


def test_a_late_shard_does_nothing_when_the_table_is_written(
    backbone, tmp_path, whole, embedded, monkeypatch, capsys
):
    out, original = tmp_path / "t", ChunkFolder.entered

    def entered(self, share):
        shutil.copy(tmp_path / "whole", out)
        return original(self, share)

    embedded.clear()
    monkeypatch.setattr(ChunkFolder, "entered", entered)
    shard("0/2", out, backbone)
    assert embedded == []
    assert f"{out} was finished before, nothing to do" in capsys.readouterr().out
    assert out.read_bytes() == whole
    assert not (tmp_path / "t.parts").exists()


@pytest.mark.slow
def test_a_shard_can_have_two_processes(network, backbone, tmp_path, whole, in_processes):
    in_processes()
    for share in ("0/2", "1/2"):
        shard(share, tmp_path / "t", backbone)
    assert torch.equal(run(tmp_path / "t", backbone).embedding, looped(network))
    assert (tmp_path / "t").read_bytes() == whole


@pytest.mark.parametrize("share", ["2/2", "x", "/8", "1/0"])
def test_mistakes_are_one_line(tmp_path, capsys, share):
    assert exit_code_of([*NOISE, *QUIET, f"--out={tmp_path / 't'}", f"--shard={share}"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"--shard is {share}" in line or f"--shard is '{share}'" in line
    assert not any(tmp_path.iterdir())
