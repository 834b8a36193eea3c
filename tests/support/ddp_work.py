"""The work of one of several processes: trainings, one after another, and notes on what it saw of each.

Start: `torchrun --standalone --nproc-per-node 3 -m tests.support.ddp_work FOLDER commands.json`.
"""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from recipes import train

ROOT = Path(__file__).resolve().parents[2]

Commands = dict[str, list[str]]
"""Arguments of `recipes/train.py` by the name of the folder that it is called in."""


class Witness(Callback):
    """Writes `rank_<k>.json` in the working directory: the `batches` it trained on, by their streams; its
    `weights` after the fit, as a digest; and the metrics of its last validation and of the test."""

    def __init__(self) -> None:
        self.seen: dict[str, Any] = {"batches": []}

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, *_: Any) -> None:
        streams = {"": batch} if "index" in batch else batch
        self.seen["batches"].append({name: part["index"].tolist() for name, part in streams.items()})

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        arrays = {name: x.cpu().numpy().tobytes() for name, x in pl_module.state_dict().items()}
        self.seen["weights"] = {name: hashlib.sha256(x).hexdigest() for name, x in arrays.items()}
        self._note(trainer, "val")

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._note(trainer, "test")

    def _note(self, trainer: Trainer, stage: str) -> None:
        metrics = {k: float(v) for k, v in trainer.callback_metrics.items() if k.startswith(f"{stage}/")}
        self.seen[stage] = metrics
        Path(f"rank_{trainer.global_rank}.json").write_text(json.dumps(self.seen))


def work(folder: Path, commands: Commands) -> None:
    """Train by each command in a folder of its own."""
    for name, arguments in commands.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        os.chdir(folder / name)
        sys.argv = ["train.py", *arguments]
        train.main()


def in_processes(count: int, folder: Path, commands: Commands) -> None:
    """`work` in `count` processes that talk by gloo, one group for all commands."""
    folder.mkdir()
    (folder / "commands.json").write_text(json.dumps(commands))
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count)]
    done = subprocess.run(
        [*torchrun, "-m", "tests.support.ddp_work", str(folder), str(folder / "commands.json")],
        cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=900,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-5000:]


def witnesses(folder: Path) -> list[dict[str, Any]]:
    """Read the notes of each process, by rank."""
    return [json.loads(path.read_text()) for path in sorted(folder.glob("rank_*.json"))]


if __name__ == "__main__":
    work(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()))
