"""LNTL's further steps of the bias heads: against plain torch, and what they move."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from lightning_modules.gradient_reversal import reverse_gradient
from lightning_modules.lntl import LNTL

STEPS = 3


def sgd(parameters: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=0.05, momentum=0.9, weight_decay=5e-4)


def make(toy: dict[str, Any], **options: Any) -> LNTL:
    torch.manual_seed(0)
    options = {"bias_steps": STEPS, "lambda_": 0.3, "reversal": 0.7, **options}
    players = {"optimizer": sgd, "adversary_optimizer": sgd}
    return LNTL(**toy, **{"task": "smiling", "sensitive": "emotion", "hidden": 8, **players, **options})


def embedding_of(module: LNTL, image: Tensor) -> Tensor:
    """Of the toy network, whose last stage trains."""
    n = module.backbone.network
    with torch.no_grad():
        x = n.maxpool(n.act1(n.bn1(n.conv1(module.backbone.preprocess(image)))))
        x = n.layer3(n.layer2(n.layer1(x)))
    return n.layer4(x).mean((2, 3))


def loss_of(logits: Tensor, target: Tensor) -> Tensor:
    return functional.cross_entropy(logits, target, ignore_index=-1)


def train_plainly(module: LNTL, batch: dict[str, Tensor], joint: bool) -> None:
    """One batch of either scheme, with `STEPS` steps of the bias head."""
    head = module.bias_heads["emotion"]
    theirs = [*module.backbone.network.layer4.parameters(), *module.head.parameters()]
    main, adversary = sgd(theirs), sgd(head.parameters())

    def task_and_entropy(embedding: Tensor) -> Tensor:
        p = head(embedding).softmax(1)
        return loss_of(module.head(embedding), batch["smiling"]) + 0.3 * (p * p.log()).sum(1).mean()

    def catch_up(embedding: Tensor) -> None:
        for _ in range(STEPS - 1):
            adversary.zero_grad()
            loss_of(head(embedding.detach()), batch["emotion"]).backward()
            adversary.step()

    embedding = embedding_of(module, batch["image"])
    if joint:
        catch_up(embedding)
        up = torch.autograd.grad(task_and_entropy(embedding), theirs, retain_graph=True)
    else:
        for p, g in zip(theirs, torch.autograd.grad(task_and_entropy(embedding), theirs), strict=True):
            p.grad = g
        main.step()
        embedding = embedding_of(module, batch["image"])
        catch_up(embedding)
        up = [torch.zeros_like(p) for p in theirs]
    adversary.zero_grad()
    main.zero_grad()
    loss_of(head(reverse_gradient(embedding, 0.7)), batch["emotion"]).backward()
    for p, g in zip(theirs, up, strict=True):
        p.grad = g if p.grad is None else p.grad + g
    main.step()
    adversary.step()


def same(module: nn.Module, twin: nn.Module) -> None:
    state = module.state_dict()
    for name, value in twin.state_dict().items():
        torch.testing.assert_close(state[name], value, rtol=1e-12, atol=1e-12, msg=name)


@pytest.mark.parametrize("scheme", ["official", "joint"])
def test_the_bias_heads_step_several_times_and_the_rest_as_often_as_before(scheme, toy, batch, fit):
    module = make(toy, scheme=scheme).double()
    twin = copy.deepcopy(module)
    train_plainly(twin, batch, joint=scheme == "joint")
    trainer = fit(module, batch)
    same(module.backbone, twin.backbone)
    same(module.head, twin.head)
    same(module.bias_heads, twin.bias_heads)
    assert trainer.global_step == 1


@pytest.mark.parametrize("scheme", ["official", "joint"])
def test_the_further_steps_move_nothing_but_the_bias_heads(scheme, toy, batch, fit):
    """With neither entropy nor reversal the bias heads cannot be felt elsewhere, however often they step."""
    modules = [make(toy, scheme=scheme, lambda_=0.0, reversal=0.0, bias_steps=n).double() for n in (1, STEPS)]
    for module in modules:
        fit(module, batch)
    same(modules[0].backbone, modules[1].backbone)
    same(modules[0].head, modules[1].head)
    moved = (
        (a - b).abs().max()
        for a, b in zip(*(module.bias_heads.parameters() for module in modules), strict=True)
    )
    assert max(moved) > 1e-4


def test_no_step_at_all_is_refused(toy):
    with pytest.raises(ValueError, match="bias_steps must be 1 or more, not 0"):
        make(toy, bias_steps=0)
