"""Check that a training that is killed again and again ends with the weights of an uninterrupted one.

    python -m benchmarks.random_kills --work DIR [--kills 20]

A small network trains on synthetic faces on the CPU. It is killed (SIGKILL) at a random moment, from its
start to two epochs after its first checkpoint, and started again by the same command with `--resume auto`;
after the given number of kills it is left to end. Prints when the kills came, and compares the last and the
best checkpoint.
"""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch
from rich.progress import track

from benchmarks.options import make_parser
from recipes.command_line.config_lookup import TRAIN

BACKBONE = '{"channels": [8, 8, 8, 8], "stem_width": 8, "input_size": 32, "drop_path_rate": 0.5}'
OPTIONS = [
    *("--config", "baseline.yaml", "--model.init_args.task", "emotion", "--model.init_args.trainable", "all"),
    *("--model.init_args.backbone", "resnet10t", "--model.init_args.backbone_options", BACKBONE),
    *("--data.init_args.train_identities", "60", "--data.init_args.val_identities", "12"),
    *("--data.init_args.test_identities", "12", "--data.init_args.flip", "true"),
    *("--trainer.accelerator", "cpu", "--trainer.callbacks", "null", "--trainer.logger", "false"),
    *("--trainer.enable_progress_bar", "false", "--trainer.enable_model_summary", "false"),
]


def command(work: Path, experiment: str, epochs: int) -> list[str]:
    """Build the command of a training of this many epochs."""
    own = ["--experiment", experiment, "--trainer.max_epochs", str(epochs), "--resume", "auto"]
    return [sys.executable, str(TRAIN), *OPTIONS, "--trainer.default_root_dir", str(work), *own]


def started(words: list[str]) -> subprocess.Popen[bytes]:
    """Start a command whose output is discarded."""
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def first_checkpoint(folder: Path, process: subprocess.Popen[bytes]) -> float:
    """Wait until a run of a new folder has a checkpoint, or ends; return the seconds."""
    before, start = set(folder.glob("*/checkpoints/last.ckpt")), time.monotonic()
    while process.poll() is None and not set(folder.glob("*/checkpoints/last.ckpt")) - before:
        time.sleep(0.05)
    return time.monotonic() - start


def state(folder: Path, name: str) -> dict[str, torch.Tensor]:
    """Load the weights of a checkpoint of the finished run."""
    (results,) = folder.glob("*/results.json")
    weights: dict[str, torch.Tensor] = torch.load(
        results.parent / "checkpoints" / f"{name}.ckpt", weights_only=True
    )["state_dict"]
    return weights


def killed_later(words: list[str], folder: Path, moment: float, start: float, epoch: float) -> bool:
    """Start a training and kill it; return False if it ended before.

    Args:
        words: the command.
        folder: of its runs.
        moment: before its first checkpoint, from -1, the start, to 0; or this many epochs after it.
        start: seconds that an uninterrupted training takes until its first checkpoint.
        epoch: seconds of one of its epochs.
    """
    process = started(words)
    if moment > 0:
        first_checkpoint(folder, process)
    try:
        process.wait(timeout=moment * epoch if moment > 0 else (1 + moment) * start)
        return False
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True


def main() -> None:
    """Train without and with kills, and compare."""
    parser = make_parser(__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=80)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    args = parser.parse_args()
    begin = time.monotonic()
    whole = started(command(args.work, "whole", args.epochs))
    until_first = first_checkpoint(args.work / "whole", whole)
    if whole.wait():
        sys.exit(f"the training itself fails: {' '.join(command(args.work, 'whole', args.epochs))}")
    epoch = (time.monotonic() - begin - until_first) / (args.epochs - 1)
    draw, killed = random.Random(args.seed), []
    for _ in track(range(args.kills), description="killing"):
        moment = draw.uniform(-1, 2)
        words = command(args.work, "killed", args.epochs)
        if not killed_later(words, args.work / "killed", moment, until_first, epoch):
            break
        killed.append(moment)
    if started(command(args.work, "killed", args.epochs)).wait():
        sys.exit("the killed training cannot go on")
    early = [moment for moment in killed if moment <= 0]
    print(f"killed {len(killed)} times, {len(early)} of them before the first checkpoint of the start")
    print("the others so many epochs after it:", *(f"{x:.2f}" for x in killed if x > 0))
    for name in ("last", "best"):
        ours, theirs = state(args.work / "whole", name), state(args.work / "killed", name)
        same = ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)
        print(f"{name}.ckpt: {'the same bits' if same else 'DIFFERENT weights'}")
    if len(killed) < args.kills:
        sys.exit("the training ended before so many kills; give it more --epochs")


if __name__ == "__main__":
    main()
