"""Shared by tests of methods with a sensitive attribute: a module, its training, its plain twin."""

import copy
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader

from tests.support.quiet_trainer import quiet_trainer

LR, ADVERSARY_LR = 0.1, 0.3
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def make(method: type, toy: dict[str, Any], **options: Any) -> Any:
    """A method in double precision that learns `smiling` and is to lose `emotion`, with plain descent."""
    torch.manual_seed(0)
    if hasattr(method, "backward_and_step"):
        options = {"adversary_optimizer": lambda p: torch.optim.SGD(p, lr=ADVERSARY_LR), **options}
    given = {"task": "smiling", "sensitive": "emotion", "hidden": 8, "trainable": "last_stage"}
    module = method(**toy, **{**given, "optimizer": lambda p: torch.optim.SGD(p, lr=LR), **options})
    return module.double()


def train(module: Any, batch: dict[str, Tensor], folder: Path, epochs: int = 1, steps: int = 1) -> Trainer:
    """`epochs` epochs of `steps` times the same batch."""
    trainer = quiet_trainer(default_root_dir=folder, max_epochs=epochs)
    trainer.fit(module, DataLoader([batch] * steps, batch_size=None))
    return trainer


def moved(module: Any, batch: dict[str, Tensor], folder: Path, **options: int) -> set[str]:
    """Names of what training changes."""
    before = copy.deepcopy(module.state_dict())
    train(module, batch, folder, **options)
    return {name for name, tensor in module.state_dict().items() if not torch.equal(tensor, before[name])}


def names(module: Any, *parts: str) -> set[str]:
    """Names in the state of `backbone` (what trains of it), its `statistics`, `head` and `adversary`."""
    stage = "backbone.network.layer4"
    starts = {"backbone": stage, "statistics": stage, "head": "head.", "adversary": "adversary."}
    return {
        name
        for part in parts
        for name in module.state_dict()
        if name.startswith(starts[part])
        and (part not in ("backbone", "statistics") or name.endswith(STATISTICS) == (part == "statistics"))
    }


def no_task(module: Any) -> Any:
    """The module, its task's loss taken away."""
    module.task_loss = lambda logits, batch: 0 * logits.sum()
    return module


def embedding(module: Any, batch: dict[str, Tensor], *, keep_statistics: bool = False) -> Tensor:
    """The embeddings of a training step in plain torch."""
    network = module.backbone.network
    network.eval()
    with torch.no_grad():
        x = network.act1(network.bn1(network.conv1(module.backbone.preprocess(batch["image"]))))
        x = network.layer3(network.layer2(network.layer1(network.maxpool(x))))
    layer4 = copy.deepcopy(network.layer4) if keep_statistics else network.layer4
    return layer4.train()(x).mean((2, 3))


def head(module: Any, x: Tensor) -> Tensor:
    """The task's logits in plain torch."""
    dense, output = module.head.dense, module.head.output
    return (x @ dense.weight.T + dense.bias).clamp(min=0) @ output.weight.T + output.bias


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Its mean over the known targets."""
    logits, target = logits[target >= 0], target[target >= 0]
    return (logits.exp().sum(1).log() - logits[torch.arange(len(target)), target]).mean()


def descend(loss: Tensor, *parts: tuple[nn.Module, float]) -> None:
    """Take one step of plain gradient descent of each part, at its learning rate."""
    groups = [([p for p in module.parameters() if p.requires_grad], lr) for module, lr in parts]
    gradients = iter(torch.autograd.grad(loss, [p for group, _ in groups for p in group]))
    for group, lr in groups:
        for parameter in group:
            parameter.data -= lr * next(gradients)


def assert_same_state(module: Any, twin: Any) -> None:
    """Every weight and every statistic, to double precision."""
    for name, tensor in twin.state_dict().items():
        torch.testing.assert_close(module.state_dict()[name], tensor, rtol=1e-9, atol=1e-11, msg=name)
