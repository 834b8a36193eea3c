"""Every method trained in two processes, on a toy backbone without BatchNorm, in double precision.

Start in each process, with the variables of `torchrun`: `python -m tests.support.ddp_methods FOLDER`.
"""

import copy
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.strategies import DDPStrategy
from torch import Tensor, nn
from torch.utils.data import DataLoader

from tests.support.methods import ATTRIBUTES, METHODS, TOY
from tests.support.quiet_trainer import quiet_trainer

TURNS: Any = {"width": 6, "hidden": 6, "steps_per_round": 1}
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {name: (name, {}) for name in METHODS} | {
    "lntl, refreshed": ("lntl_variant", {"refresh_steps": 1}),
    "lntl of a layer": (
        "lntl_variant",
        {"refresh_steps": 0, "feature_layer": "layer3", "trainable": "all", "pretrain_epochs": 1},
    ),
    "laftr, odds": ("laftr", {"fairness": "equalised_odds"}),
    "sensitivenets": ("sensitivenets", {**TURNS, "classifier_steps": 1}),
    "its classifier": ("sensitivenets", {**TURNS, "classifier_steps": 9, "warmup_rounds": 0}),
}
"""For each variant: a method of the table, and options that are added to its own."""


def sgd(parameters: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=0.05, momentum=0.9)


def build(name: str) -> Any:
    """The variant without BatchNorm, in double precision."""
    torch.manual_seed(0)
    base, added = VARIANTS[name]
    method = METHODS[base]
    plain = {**TOY["backbone_options"], "norm_layer": "layernorm2d"}
    options = {"trainable": method.trainable, **dict.fromkeys(method.steps, sgd), **method.options, **added}
    module = method.kind(**{**TOY, "backbone_options": plain}, attributes=ATTRIBUTES, **options)
    for part in list(module.modules()):
        for child, layer in part.named_children():
            if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                setattr(part, child, nn.Identity())
    return module.double()


def halves() -> list[list[dict[str, Tensor]]]:
    """Two batches, of two processes: in each half every group has two faces."""
    generator = torch.Generator().manual_seed(1)
    n = torch.arange(12)
    labels = {"emotion": n % 3, "smiling": n % 2, "attractive": (n // 3) % 2, "identity": n % 3}
    image = torch.randint(256, (2, 2, 12, 3, 32, 32), generator=generator, dtype=torch.uint8)
    return [[{"image": i, **labels} for i in batch] for batch in image]


def train(name: str, folder: Path, batches: list[dict[str, Tensor]], strategy: Any, devices: int) -> Any:
    """The state after three epochs of two batches."""
    module = build(name)
    trainer = quiet_trainer(
        default_root_dir=folder, max_epochs=3, strategy=strategy, devices=devices, precision="64-true",
        use_distributed_sampler=False,
    )  # fmt: skip
    trainer.fit(module, DataLoader(batches, batch_size=None))
    assert trainer.global_step == len(batches) * 3
    return copy.deepcopy(module.state_dict())


def work(folder: Path) -> None:
    """Train every variant in a process, one after another, then plain DDP."""
    rank = int(os.environ["RANK"])
    mine = [batch[rank] for batch in halves()]

    def ddp(finds: bool) -> DDPStrategy:
        return DDPStrategy(process_group_backend="gloo", find_unused_parameters=finds)

    results: dict[str, Any] = {name: train(name, folder, mine, ddp(True), 2) for name in VARIANTS}
    for name in ("lntl", "sensitivenets", "dann"):
        try:
            results[f"plain {name}"] = train(name, folder, mine, ddp(False), 2)
        except Exception as error:  # Lightning's or torch's
            results[f"plain {name}"] = f"{type(error).__name__}: {error}"
    torch.save(results, folder / f"{rank}.pt")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    work(Path(sys.argv[1]))
