"""Checkpoints of toy methods, as a run folder has them."""

from pathlib import Path

import torch
import yaml

from lightning_modules.training.base import FaceModule
from tests.support.embed_faces import TOY
from tests.support.methods import ATTRIBUTES
from tests.support.quiet_trainer import quiet_trainer

TOY_BACKBONE = {
    "attributes": ATTRIBUTES, "backbone": "resnet10t", "weights": "random", "backbone_options": TOY,
}  # fmt: skip


def write_checkpoint(module: FaceModule, run: Path, change=None) -> Path:
    """The checkpoint of a run folder, with its configuration; `change` may alter it."""
    kind = type(module)
    (run / "checkpoints").mkdir(parents=True)
    config = {"model": {"class_path": f"{kind.__module__}.{kind.__name__}", "init_args": {}}}
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    path = run / "checkpoints" / "best.ckpt"
    trainer = quiet_trainer(max_epochs=1)
    trainer.strategy.connect(module)
    trainer.save_checkpoint(path, weights_only=True)
    if change is not None:
        checkpoint = torch.load(path, weights_only=True)
        change(checkpoint)
        torch.save(checkpoint, path)
    return path


class Hostile:
    """Pickles as a call that creates the file `path`."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")
