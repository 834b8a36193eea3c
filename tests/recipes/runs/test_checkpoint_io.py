"""Checkpoint files: killed at any point the old one is whole, and a bit that flips is noticed."""

import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from pytorch_lightning import Trainer

from lightning_modules.backbones.weight_files import read_state
from recipes.runs.checkpoint_io import SafeCheckpointIO
from storage.atomic import replace_file
from storage.checkpoints import WeightsError, read_checkpoint

KILLED = """
import os, signal, sys, torch
from pathlib import Path
from recipes.runs.checkpoint_io import SafeCheckpointIO

path, where = Path(sys.argv[1]), sys.argv[2]

def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if where == "write":
    save = torch.save
    def half(content, file):
        file.write(b"half"); file.flush(); kill()
    torch.save = half
elif where == "sync":
    os.fsync = kill
else:
    Path.replace = kill
SafeCheckpointIO().save_checkpoint({"state_dict": {"a": torch.ones(1000)}, "epoch": 2}, path)
"""


def write(path: Path, epoch: int = 1) -> Path:
    SafeCheckpointIO().save_checkpoint({"state_dict": {"a": torch.arange(1000.0)}, "epoch": epoch}, path)
    return path


def flip_a_bit(path: Path) -> None:
    """In the middle of the tensor's values, where torch reads anything."""
    content = bytearray(path.read_bytes())
    content[content.index(torch.arange(500.0, 510.0).numpy().tobytes())] ^= 1
    path.write_bytes(content)


@pytest.mark.slow
@pytest.mark.parametrize("where", ["write", "sync", "rename"])
def test_a_process_that_is_killed_leaves_the_old_checkpoint(where, tmp_path):
    path = write(tmp_path / "last.ckpt")
    before = path.read_bytes()
    code = subprocess.run([sys.executable, "-c", KILLED, str(path), where], check=False).returncode
    assert code == -signal.SIGKILL
    assert path.read_bytes() == before
    assert list(tmp_path.glob("*.ckpt")) == [path], "what is half-written has another ending"
    assert read_checkpoint(write(path, epoch=3))["epoch"] == 3


def test_nothing_is_copied_from_another_device(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "move", pytest.fail)
    write(tmp_path / "last.ckpt")
    assert [file.name for file in tmp_path.iterdir()] == ["last.ckpt"]


def test_a_full_disk_leaves_the_old_checkpoint_and_no_part(tmp_path, monkeypatch):
    path = write(tmp_path / "last.ckpt")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write(path, epoch=2)
    assert read_checkpoint(path)["epoch"] == 1
    assert list(tmp_path.iterdir()) == [path]


def test_a_hidden_full_disk_is_an_error_that_names_the_file(tmp_path):
    path = tmp_path / "last.ckpt"
    allowed = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, allowed[1]))
    try:
        with pytest.raises(OSError, match=r"File too large: .*last\.ckpt'$"):
            replace_file(path, lambda file: torch.save(torch.zeros(10_000), file))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, allowed)
    assert not any(tmp_path.iterdir())


def test_a_flipped_bit_is_noticed_wherever_a_checkpoint_is_read(tmp_path):
    path = write(tmp_path / "last.ckpt")
    flip_a_bit(path)
    torch.load(path, weights_only=True)  # the control: torch does not look
    with pytest.raises(WeightsError, match=r"last\.ckpt is not a checkpoint .*checksum of its record"):
        read_checkpoint(path)
    with pytest.raises(WeightsError, match=r"last\.ckpt is damaged: the checksum of its record"):
        Trainer(plugins=[SafeCheckpointIO()], logger=False, accelerator="cpu").strategy.load_checkpoint(
            path, weights_only=True
        )


def test_a_flipped_bit_of_a_weights_file_is_noticed(tmp_path):
    path = tmp_path / "weights.pth"
    torch.save({"a": torch.arange(1000.0)}, path)
    flip_a_bit(path)
    with pytest.raises(WeightsError, match="checksum of its record"):
        read_state(path)


@pytest.mark.parametrize("zipped", [True, False])
def test_checkpoints_of_other_writers_are_read(zipped, tmp_path):
    path, content = tmp_path / "old.ckpt", {"state_dict": {"a": torch.arange(9.0)}, "epoch": 4}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    assert SafeCheckpointIO().load_checkpoint(path, weights_only=True)["epoch"] == 4
    if zipped:  # the older kind cannot be mapped into memory
        assert read_checkpoint(path)["epoch"] == 4
