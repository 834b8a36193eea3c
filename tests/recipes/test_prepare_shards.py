"""Crops in shards, through the real command."""

import subprocess
import sys

import pytest

from tests.support.face_tree import content, run_job, write_faces
from tests.support.prepare_command import REPOSITORY, arguments, exit_code_of


@pytest.fixture
def root(tmp_path):
    write_faces(tmp_path / "photos", 150)  # two chunks of 128
    return tmp_path / "photos"


@pytest.mark.usefixtures("red")
def test_shards_and_the_same_command_without_make_the_crops(root, tmp_path, capsys) -> None:
    out = tmp_path / "crops"
    assert exit_code_of(arguments(root, out, "--shard=2/3")) == 0
    assert "0 crops of 0 images" in capsys.readouterr().out, "there are more shards than parts of the work"
    assert exit_code_of(arguments(root, out, "--shard=1/3")) == 0
    printed = capsys.readouterr().out
    assert f"{out}: 18 crops of 22 images" in printed
    assert "quarantined 2" in printed
    assert printed.splitlines()[-1] == f"{out}: shard 1/3 is done, not yet 0/3"
    assert exit_code_of(arguments(root, out, "--shard=0/3")) == 0
    last = "shard 0/3 is done, and all others; the same command without --shard puts them together"
    assert capsys.readouterr().out.splitlines()[-1] == f"{out}: {last}"
    assert exit_code_of(arguments(root, out)) == 0
    printed = capsys.readouterr().out
    assert f"{out}: 120 crops of 150 images" in printed
    assert "nothing to do" not in printed
    run_job(root, tmp_path / "whole", chunk=128)
    assert content(out) == content(tmp_path / "whole")
    assert exit_code_of(arguments(root, out, "--shard=0/3")) == 0
    assert f"{out}: was finished before, nothing to do" in capsys.readouterr().out


@pytest.mark.usefixtures("red")
def test_a_shard_with_too_many_failures_is_an_exit_code(root, tmp_path, capsys) -> None:
    out = tmp_path / "crops"
    assert exit_code_of(arguments(root, out, "--shard=1/2", "--max_failures=2")) == 0
    assert exit_code_of(arguments(root, out, "--shard=0/2", "--max_failures=2")) == 3
    assert exit_code_of(arguments(root, out, "--max_failures=14")) == 3
    assert exit_code_of(arguments(root, out, "--max_failures=15")) == 0


@pytest.mark.usefixtures("red")
@pytest.mark.parametrize(
    ("shard", "message"),
    [
        ("8/8", "of 8 shards 0/8 is the first and 7/8 the last"),
        ("1/0", "give i/n, such as 0/8"),
        ("/8", "--shard is '/8'; give i/n"),  # of a variable that is not set
        ("3", "give i/n"),
        ("-1/8", "give i/n"),
    ],
)
def test_mistakes_are_one_line(root, tmp_path, capsys, shard, message) -> None:
    assert exit_code_of(arguments(root, tmp_path / "crops", f"--shard={shard}")) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not (tmp_path / "crops").exists()


@pytest.mark.usefixtures("red")
def test_shards_of_other_options_are_a_mistake(root, tmp_path, capsys) -> None:
    exit_code_of(arguments(root, tmp_path / "crops", "--shard=0/2"))
    capsys.readouterr()
    assert exit_code_of(arguments(root, tmp_path / "crops", "--shard=1/2", "--margin=2")) == 2
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("error: ")]
    assert "margin (0 there, 2 here)" in line


@pytest.mark.slow
def test_three_commands_at_once_and_one_more(root, tmp_path) -> None:
    out = tmp_path / "crops"
    command = [sys.executable, "-m", "tests.support.fake_prepare", *arguments(root, out)]
    shards = [subprocess.Popen([*command, f"--shard={i}/3"], cwd=REPOSITORY) for i in range(3)]
    assert [shard.wait() for shard in shards] == [0, 0, 0]
    subprocess.run(command, cwd=REPOSITORY, check=True)
    run_job(root, tmp_path / "whole", chunk=128)
    assert content(out) == content(tmp_path / "whole")
