"""LNTL's batches from which the bias heads alone learn: against plain torch, and what they move."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from lightning_modules.lntl_joint import LNTLJoint
from lightning_modules.lntl_variant import LNTLVariant


def sgd(parameters: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=0.05)  # remembers nothing, so that trainings can be chained


def make(toy: dict[str, Any], method: type[LNTLVariant] = LNTLVariant, **options: Any) -> LNTLVariant:
    torch.manual_seed(0)
    optimizers = {"optimizer": sgd, "adversary_optimizer": sgd}
    options = {"task": "smiling", "sensitive": "emotion", "hidden": 8, "bias_hidden": 8, **options}
    return method(**toy, lambda_=0.3, reversal=0.7, **optimizers, **options).double()


def embedding_of(module: LNTLVariant, image: Tensor) -> Tensor:
    """Of the toy network, whose last stage trains, by the statistics of the batch."""
    n = copy.deepcopy(module.backbone.network)
    n.layer4.train()
    with torch.no_grad():
        x = n.maxpool(n.act1(n.bn1(n.conv1(module.backbone.preprocess(image)))))
        return n.layer4(n.layer3(n.layer2(n.layer1(x)))).mean((2, 3))


def heads_step(module: LNTLVariant, batch: dict[str, Tensor]) -> None:
    """Take the step of a batch of the bias heads, by its definition."""
    head = module.bias_heads["emotion"].train()
    loss = functional.cross_entropy(
        head(embedding_of(module, batch["image"])), batch["emotion"], ignore_index=-1
    )
    for parameter, gradient in zip(
        head.parameters(), torch.autograd.grad(loss, list(head.parameters())), strict=True
    ):
        parameter.data -= 0.05 * gradient


def same(module: nn.Module, twin: nn.Module) -> None:
    state = module.state_dict()
    for name, value in twin.state_dict().items():
        torch.testing.assert_close(state[name], value, rtol=1e-12, atol=1e-12, msg=name)


@pytest.mark.parametrize("method", [LNTLVariant, LNTLJoint])
def test_after_a_batch_of_all_the_bias_heads_learn_alone(method, toy, batch, fit):
    module, twin = (make(toy, method, refresh_steps=n) for n in (2, 0))
    for _ in range(2):  # six batches: two rounds of one of the published algorithm and two of the heads
        fit(twin, batch)
        heads_step(twin, batch)
        heads_step(twin, batch)
    trainer = fit(module, batch, steps=6)
    same(module, twin)
    assert trainer.global_step == 6


def test_they_move_nothing_else_not_even_running_statistics(toy, batch, fit):
    once, longer = make(toy, refresh_steps=3), make(toy, refresh_steps=3)
    fit(once, batch)
    fit(longer, batch, steps=4)
    same(longer.backbone, once.backbone)
    same(longer.head, once.head)
    moved = zip(longer.bias_heads.parameters(), once.bias_heads.parameters(), strict=True)
    assert all((a - b).abs().max() > 1e-4 for a, b in moved if a.ndim == 2)


def test_the_pretraining_has_none_of_them(toy, batch, fit):
    modules = [make(toy, pretrain_epochs=1, refresh_steps=n) for n in (0, 2)]
    for module in modules:
        fit(module, batch, steps=3)
    same(modules[0], modules[1])
