"""Trainings of a few batches through the command line, and what their checkpoints hold."""

from pathlib import Path
from typing import Any

import torch

from tests.support import toy

# 96 images are 6 batches of 16 an epoch, 4 in the order of SensitiveNets
SMALL = [
    *toy.DATA, *toy.QUIET, "--data.init_args.train_identities=16", "--data.init_args.flip=true",
    "--trainer.max_epochs=3", "--trainer.enable_model_summary=false", "--trainer.callbacks=null",
    "--model.init_args.backbone=resnet10t", "--model.init_args.weights=random", "--checkpoint.monitor=epoch",
    # stochastic depth draws random numbers
    '--model.init_args.backbone_options={"channels": [8, 8, 8, 8], "stem_width": 8, "input_size": 32, '
    '"act_layer": "leaky_relu", "drop_path_rate": 0.5}',
]  # fmt: skip
STEP_LR = (
    '--model.init_args.scheduler={"class_path": "torch.optim.lr_scheduler.StepLR", '
    '"init_args": {"step_size": 1, "gamma": 0.5}}'
)


def differences(a: Any, b: Any, name: str = "") -> list[str]:
    """The places at which two nested states differ in a bit."""
    if isinstance(a, dict):
        assert a.keys() == b.keys(), name
        return [x for key in a for x in differences(a[key], b[key], f"{name}.{key}")]
    if isinstance(a, (list, tuple)):
        assert len(a) == len(b), name
        return [x for i in range(len(a)) for x in differences(a[i], b[i], f"{name}.{i}")]
    same = torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b
    return [] if same else [name]


KEPT = ("epoch", "global_step", "state_dict", "optimizer_states", "lr_schedulers", "loops")


def content(folder: Path, name: str = "last") -> dict[str, Any]:
    """Read the training's state from a checkpoint of a run folder."""
    checkpoint = torch.load(folder / "checkpoints" / f"{name}.ckpt", weights_only=True)
    return {key: checkpoint[key] for key in KEPT}
