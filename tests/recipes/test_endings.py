"""Signals, output paths, modes and full disks: one line, the right exit code, nothing lost."""

import json
import os
import resource
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from datamodules.tables.embedding_table import EmbeddingTable
from recipes import audit, embed, erase
from recipes.command_line.errors import report_errors
from tests.support import toy
from tests.support.embed_faces import write_network
from tests.support.small_audits import FAST, make_table
from tests.support.sweep_folder import SWEEP, started, write_checkpoint

ROOT = Path(__file__).resolve().parents[2]
NOISE = ["--data=tests.support.embed_faces.Noise", "--trainer.accelerator=cpu", "--shard_size=4"]
TRAINING = ["--config=attractiveness.yaml", *toy.BACKBONE, *toy.DATA, *toy.QUIET, "--trainer.max_epochs=60"]


def start(folder: Path, *command: str, limit: int | None = None) -> subprocess.Popen:
    def prepare() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs of a shell ignore it
        if limit is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.Popen(
        [sys.executable, *command],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=prepare,
    )


def wait_for(job: subprocess.Popen, there) -> None:
    end = time.monotonic() + 200
    while not there():
        assert job.poll() is None, job.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_training_saves_and_says_how_to_resume(tmp_path, number, code):
    sender = {"class_path": "tests.support.told.EpochSignal", "init_args": {"number": int(number)}}
    more = f"--trainer.callbacks+={json.dumps(sender)}"
    job = start(tmp_path, str(ROOT / "recipes" / "train.py"), *TRAINING, more)
    _, errors = job.communicate(timeout=200)
    assert job.returncode == code, errors
    (last,) = tmp_path.glob("runs/*/*/checkpoints/last.ckpt")
    saved = torch.load(last, weights_only=True)
    assert saved["epoch"] == 1
    assert saved["loops"]["fit_loop"]["epoch_loop.batch_progress"]["current"]["processed"] == 1
    (line,) = [x for x in errors.splitlines() if "to go on:" in x]
    assert str(last.parents[1].relative_to(tmp_path)) in line
    assert line.endswith("--resume auto")
    assert "Traceback" not in errors


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_training_stopped_in_its_test_says_how_to_resume(tmp_path, monkeypatch, capsys, number, code):
    ending = [
        "--trainer.callbacks=tests.support.told.SignalInTest",
        f"--trainer.callbacks.number={number:d}",
    ]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs of a shell ignore it
    with pytest.raises(SystemExit) as stopped:
        toy.run(
            monkeypatch,
            *TRAINING[:-1],
            "--trainer.max_epochs=1",
            *ending,
            f"--trainer.default_root_dir={tmp_path}",
        )
    assert stopped.value.code == code
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith(("interrupted; run folder: ", "terminated; run folder: "))
    assert line.endswith("--resume auto")
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_embedding_ends_at_once_and_resumes(tmp_path, number, code):
    network, out = write_network(tmp_path / "n.safetensors"), tmp_path / "t.safetensors"
    command = [str(ROOT / "recipes" / "embed.py"), *NOISE, f"--model.backbone={network}", f"--out={out}"]
    job = start(tmp_path, *command, "--data.init_args.pause=4")
    wait_for(job, lambda: any(tmp_path.rglob("t.safetensors.parts/*/*.safetensors")))
    job.send_signal(number)
    _, errors = job.communicate(timeout=60)  # all of it would take 76 s
    assert job.returncode == code, errors
    assert errors.splitlines()[-1].endswith("run the same command again to go on where it stopped")
    assert "Traceback" not in errors
    assert not out.exists()
    again = start(tmp_path, *command)
    said, errors = again.communicate()
    assert again.returncode == 0, errors
    assert "were embedded before, going on" in said


@pytest.mark.slow
def test_a_stopped_audit_ends_at_once_and_resumes(tmp_path):
    make_table(6.0).save(tmp_path / "x.safetensors")
    command = [
        str(ROOT / "recipes" / "audit.py"),
        "--before=x.safetensors",
        "--sensitive=smiling",
        "--out=out",
    ]
    command += FAST
    job = start(tmp_path, *command, "--permutations=1000000")  # for hours
    wait_for(job, lambda: any(tmp_path.glob("out/cache/*")))
    job.send_signal(signal.SIGINT)
    _, errors = job.communicate(timeout=60)
    assert job.returncode == 130, errors
    assert errors.splitlines()[-1].endswith("run the same command again to go on where it stopped")
    assert "Traceback" not in errors
    assert not (tmp_path / "out" / "report.html").exists()
    again = start(tmp_path, *command)
    _, errors = again.communicate()
    assert again.returncode == 0, errors
    assert (tmp_path / "out" / "report.html").is_file()


@pytest.mark.slow
def test_a_stopped_sweep_ends_its_trainings_and_resumes(tmp_path):
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    write_checkpoint(tmp_path / "out")
    module = ["-m", "tests.support.fake_sweep"]
    job = start(tmp_path, *module, "300", "sweep.yaml", "--out=out")
    wait_for(job, lambda: len(started(tmp_path / "out")) == 1)
    job.send_signal(signal.SIGTERM)
    _, errors = job.communicate(timeout=60)  # the training holds no end of the pipes
    assert job.returncode == 143, errors
    assert errors.splitlines()[-1].endswith("run the same command again to go on where it stopped")
    assert "Traceback" not in errors
    again = start(tmp_path, *module, "0", "sweep.yaml", "--out=out")  # refused if a training held the lock
    _, errors = again.communicate()
    assert again.returncode == 0, errors
    assert len(started(tmp_path / "out")) == 1 + 6
    assert (tmp_path / "out" / "sweep.csv").is_file()


def ended(main, *arguments: object) -> int | str | None:
    with pytest.raises(SystemExit) as stopped:
        report_errors(lambda: main([str(x) for x in arguments]))
    return stopped.value.code


def test_a_bad_output_path_is_one_line_before_any_work(tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    below, table = tmp_path / "file" / "x", tmp_path / "nowhere.safetensors"
    for main, *arguments in (
        (erase.main, "--config=erase/pca.yaml", f"--table={table}", f"--out={below}"),
        (audit.main, "--config=audit/default.yaml", f"--before={table}", f"--out={tmp_path / 'file'}"),
        (audit.main, "--config=audit/default.yaml", f"--before={table}", "--out=/proc/x"),
        (
            embed.main,
            "--config=embed.yaml",
            *NOISE,
            "--model.backbone=synthetic_recogniser",
            f"--out={below}",
        ),
    ):
        assert ended(main, *arguments) == 2
        errors = capsys.readouterr().err
        assert errors.count("\n") == 1, errors
        assert "give another path" in errors, "not what is wrong with the input"
    assert (tmp_path / "file").read_text() == "mine"


def test_a_training_into_a_bad_folder_is_one_line(monkeypatch, capsys):
    with pytest.raises(SystemExit) as stopped:
        toy.run(monkeypatch, *TRAINING, "--trainer.default_root_dir=/proc/x")
    assert stopped.value.code == 2
    assert "/proc/x/attractiveness: cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640)])
def test_a_file_of_weights_has_the_mode_of_its_neighbours(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        path = write_network(tmp_path / "n.safetensors")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert [x.name for x in tmp_path.iterdir()] == ["n.safetensors"]


@pytest.mark.slow
def test_a_table_without_disk_space_is_one_line_and_resumes(tmp_path):
    network, out = write_network(tmp_path / "n.safetensors"), tmp_path / "t.safetensors"
    command = [str(ROOT / "recipes" / "embed.py"), *NOISE, f"--model.backbone={network}", f"--out={out}"]
    full = start(tmp_path, *command, limit=2000)  # the parts fit, the table does not
    _, errors = full.communicate()
    assert full.returncode == 2, errors
    assert errors.splitlines()[-1].startswith(f"error: {out}: File too large")
    assert "Traceback" not in errors
    assert not out.exists()
    again = start(tmp_path, *command)
    assert again.wait() == 0
    assert len(EmbeddingTable.load(out)) == 70


@contextmanager
def full_disk(limit: int) -> Iterator[None]:
    """No file can grow beyond so many bytes."""
    allowed = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, allowed[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, allowed)


@pytest.mark.slow
def test_a_training_without_space_for_its_checkpoint_is_one_line(tmp_path, monkeypatch, capsys):
    arguments = [*TRAINING[:-1], "--trainer.max_epochs=1", f"--trainer.default_root_dir={tmp_path}"]
    with full_disk(10_000), pytest.raises(SystemExit) as stopped:
        toy.run(monkeypatch, *arguments)
    assert stopped.value.code == 2
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("error:")]
    assert (
        "last.ckpt: File too large; see to that" in line or "best.ckpt: File too large; see to that" in line
    )
    assert not any(tmp_path.rglob("*.ckpt*"))
    toy.run(monkeypatch, *arguments, "--resume=auto")
    assert any(tmp_path.rglob("best.ckpt"))


def test_an_erased_table_without_space_keeps_the_old_one(tmp_path, capsys):
    numbers = torch.arange(800.0).reshape(100, 8).cos()
    table = EmbeddingTable(
        embedding=numbers,
        labels={"identity": torch.arange(100) // 2},
        attributes={"identity": tuple(map(str, range(50)))},
        sample_id=np.array([f"{i:03d}" for i in range(100)]),
        split=torch.zeros(100, dtype=torch.int8),
        provenance={},
    )
    table.save(tmp_path / "x.safetensors")
    (tmp_path / "out.safetensors").write_bytes(b"old")
    arguments = ["--config=erase/pca.yaml", f"--table={tmp_path / 'x.safetensors'}"]
    arguments += [f"--out={tmp_path / 'out.safetensors'}", "--overwrite=true", "--options={components: 4}"]
    with full_disk(2000):
        assert ended(erase.main, *arguments) == 2
    assert capsys.readouterr().err.startswith(
        f"error: {tmp_path / 'out.safetensors'}: File too large; see to"
    )
    assert (tmp_path / "out.safetensors").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 2
