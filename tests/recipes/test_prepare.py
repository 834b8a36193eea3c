"""The crops of a dataset, through the real command."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from recipes import prepare
from recipes.command_line.config_lookup import CONFIGS
from tests.support.face_tree import content, run_job, write_faces
from tests.support.prepare_command import FACES, REPOSITORY, arguments, exit_code_of


@pytest.fixture
def root(tmp_path):
    write_faces(tmp_path / "photos", 30)
    return tmp_path / "photos"


def test_a_summary_says_what_became_of_the_images(red, root, tmp_path, capsys) -> None:
    out = tmp_path / "crops"
    assert exit_code_of(arguments(root, out)) == 0
    printed = capsys.readouterr().out
    assert f"{out}: 24 crops of 30 images" in printed
    assert "no face found 3, face not cropped 0" in printed
    assert "quarantined 3" in printed
    for name in ("p0/007.png", "p3/017.png", "p6/027.png"):
        assert f"    {name}: unreadable: cannot be decoded (" in printed
    assert str(out / "quarantine.csv") in printed
    assert exit_code_of(arguments(root, out)) == 0
    assert f"{out}: was finished before, nothing to do" in capsys.readouterr().out


@pytest.mark.parametrize(("allowed", "code"), [(0, 3), (2, 3), (3, 0)])
def test_too_many_failures_are_an_exit_code_and_the_crops_stay(red, root, tmp_path, capsys, allowed, code):
    given = arguments(root, tmp_path / "crops", f"--max_failures={allowed}")
    assert exit_code_of(given) == code
    assert len(np.load(tmp_path / "crops" / "crops.npy")) == 30
    assert (f"more than {allowed} images (--max_failures)" in capsys.readouterr().err) == (code == 3)
    assert exit_code_of(given) == code, "also when it was finished before"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--mode=align", "--margin=5"], "a margin is for --mode box"),
        (["--margin=24"], "margin is 24 pixels, it must be 0 to 23"),
        (["--mode=tight"], "mode"),
        (["--select=best"], "select"),
        (["--quality=100"], "quality is 100"),
        (["--processes=0"], "processes"),
        (["--max_failures=-1"], "max_failures"),
        (["--data.init_args.size=0"], "size is 0 pixels"),
        (["--data=datamodules.synthetic_faces.SyntheticFaces"], "FileFaces"),
        (["--config=prepare/celebb.yaml"], "did you mean prepare/celeba.yaml"),
        (["--out=/dev/null/crops"], "/dev/null is no folder"),
    ],
)
def test_mistakes_are_one_line(red, root, tmp_path, capsys, more, message) -> None:
    assert exit_code_of(arguments(root, tmp_path / "crops", *more)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not (tmp_path / "crops").exists()


def test_other_options_in_the_same_folder_are_a_mistake(red, root, tmp_path, capsys) -> None:
    exit_code_of(arguments(root, tmp_path / "crops"))
    assert exit_code_of(arguments(root, tmp_path / "crops", "--margin=2")) == 2
    assert "these differ: margin (0 there, 2 here)" in capsys.readouterr().err


def test_a_gpu_that_is_not_there_is_a_mistake(monkeypatch) -> None:
    monkeypatch.setattr(prepare.torch.cuda, "is_available", lambda: False)
    assert prepare.pick_device("auto") == prepare.pick_device("cpu") == "cpu"
    with pytest.raises(prepare.UsageError, match="no GPU"):
        prepare.pick_device("cuda")
    monkeypatch.setattr(prepare.torch.cuda, "is_available", lambda: True)
    assert [prepare.pick_device(x) for x in ("auto", "cpu", "cuda")] == ["cuda", "cpu", "cuda"]


@pytest.mark.parametrize("path", sorted((CONFIGS / "prepare").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_configuration_names_a_dataset_and_its_command(path) -> None:
    lines = path.read_text().splitlines()
    assert len(lines) <= 15
    assert any(
        f"python recipes/prepare.py --config prepare/{path.name}" in x for x in lines if x.startswith("#")
    )
    parser = prepare.make_parser()
    config = parser.parse_args([f"--config={path}", "--out=crops"])
    built = parser.instantiate(config).data
    assert str(built.root) == f"data/{path.stem}"
    assert set(yaml.safe_load("\n".join(lines))) <= {"data", "mode", "select"}


def _start(root, out) -> subprocess.Popen:
    command = [sys.executable, "-m", "tests.support.fake_prepare", *arguments(root, out, "--processes=2")]
    return subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # tests that run in the background of a shell ignore Ctrl-C, and so would what they start
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def _wait_for(condition, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def _children(pid: int) -> list[int]:
    return [int(x) for x in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize(
    ("send", "number", "code", "word"),
    [  # Ctrl-C in a terminal reaches all processes, what a cluster sends the first alone
        (os.killpg, signal.SIGINT, 130, "interrupted"),
        (os.kill, signal.SIGTERM, 143, "terminated"),
    ],
)
def test_stopped_or_killed_it_leaves_no_process_and_resumes(tmp_path, send, number, code, word) -> None:
    root, out = tmp_path / "photos", tmp_path / "crops"
    write_faces(root, 700)  # six chunks for two processes: at least seven seconds
    interrupted = _start(root, out)
    _wait_for(lambda: any(out.glob("parts/*.parquet")))
    send(interrupted.pid, number)
    _, errors = interrupted.communicate()
    assert interrupted.returncode == code
    assert errors.splitlines()[-1].startswith(f"{word}; run the same command again")
    assert "Traceback" not in errors
    recorded = {path.name: path.stat().st_mtime_ns for path in out.glob("parts/*.parquet")}
    assert 0 < len(recorded) < 6

    killed = _start(root, out)
    _wait_for(lambda: len(_children(killed.pid)) >= 3)  # two workers and Python's resource tracker
    children = _children(killed.pid)
    time.sleep(1)
    killed.kill()
    killed.wait()
    _wait_for(lambda: not any(_alive(child) for child in children))
    now = {path.name: path.stat().st_mtime_ns for path in out.glob("parts/*.parquet")}
    assert recorded.items() <= now.items()

    done = run_job(root, out, chunk=128)  # in one process
    assert done.before >= 128 * len(recorded) - 68, "the last chunk has 60"
    run_job(root, tmp_path / "straight", chunk=128)
    assert content(out) == content(tmp_path / "straight")


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.slow
def test_a_few_real_faces_in_two_processes(face_data_root, tmp_path) -> None:
    for person in sorted((face_data_root / "lfw" / "lfw-deepfunneled").iterdir())[:150]:
        (tmp_path / "photos").mkdir(exist_ok=True)
        (tmp_path / "photos" / person.name).symlink_to(person)
    out = tmp_path / "crops"
    data = [f"--data={FACES}", f"--data.init_args.root={tmp_path / 'photos'}", f"--out={out}"]
    prepare.main([*data, "--mode=align", "--select=center", "--processes=2", "--device=cpu"])
    manifest = pd.read_parquet(out / "manifest.parquet")
    assert len(manifest) > 128, "two chunks"
    assert (manifest["status"] == "ok").mean() > 0.97
    assert np.load(out / "crops.npy").shape == (len(manifest), 112, 112, 3)


def test_no_crop_at_all_is_an_error_that_says_why(red, tmp_path, capsys) -> None:
    root = tmp_path / "photos"
    write_faces(root, 6)
    for path in root.rglob("*.png"):
        path.write_bytes(b"no image")
    assert exit_code_of(arguments(root, tmp_path / "crops")) == 2
    error = capsys.readouterr().err
    assert "0 crops of 6 images" in error
    assert "(6): unreadable" in error
