"""SLURM as played on this machine: its commands, a job's start, and the end of its time."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def told_at(step: int, *signals: str) -> str:
    """The option by which a training is told once that the time is over."""
    callback = {"class_path": "tests.support.told.Told", "init_args": {"step": step, "signals": signals}}
    return f"--trainer.callbacks=[{json.dumps(callback)}]"


def play_slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of what the commands of SLURM that are played were asked for; works in `tmp_path`."""
    commands, folder = tmp_path / "bin", tmp_path / "slurm"
    commands.mkdir()
    folder.mkdir()
    source = Path(__file__).with_name("fake_slurm.py").read_text()
    for name in ("sbatch", "srun", "scontrol", "squeue"):
        (commands / name).write_text(f"#!{sys.executable} -S\n{source}")
        (commands / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{commands}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # of the callback that tells
    monkeypatch.setenv("FAKE_SLURM", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


def start(slurm: Path, job: str = "1234", tasks: int = 2) -> subprocess.Popen[bytes]:
    """The script of a job, or of a task of an array, as SLURM starts it on the first of its machines."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    number, _, place = job.partition("_")
    given = {"SLURM_JOB_ID": number, "SLURM_NTASKS": f"{tasks}", "SLURM_NTASKS_PER_NODE": f"{tasks}"}
    given |= {
        "SLURM_NNODES": "1",
        "SLURM_JOB_NUM_NODES": "1",
        "SLURM_JOB_NAME": "lntl",
        "MASTER_PORT": f"{port}",
    }
    given |= {"SLURM_ARRAY_JOB_ID": number, "SLURM_ARRAY_TASK_ID": place} if place else {}
    return subprocess.Popen(["bash", (slurm / f"{number}.script").read_text()], env=os.environ | given)
