"""DANN: the ramp, a step against plain torch, what each loss moves."""

import copy
import math

import pytest
import torch

from lightning_modules.dann import DANN
from tests.support import sensitive_twin as plain


def test_the_ramp_follows_the_steps_that_are_done(toy, batch, tmp_path):
    module = plain.make(DANN, toy)
    seen = []
    original = module.progress
    module.progress = lambda: seen.append(original()) or seen[-1]
    plain.train(module, batch, tmp_path, epochs=2, steps=4)
    assert seen == pytest.approx([k / 8 for k in range(8)])


def test_a_step_is_that_of_plain_torch(toy, batch, tmp_path):
    module = plain.make(DANN, toy, strength=0.7, bias_hidden=6)
    module.progress = lambda: 0.2
    twin = copy.deepcopy(module)
    plain.train(module, batch, tmp_path)

    x = plain.embedding(twin, batch)
    task = plain.cross_entropy(plain.head(twin, x), batch["smiling"])
    bias = plain.cross_entropy(twin.adversary(x), batch["emotion"])
    # two gradients in place of a reversal
    factor = 0.7 * (2 / (1 + math.exp(-10 * 0.2)) - 1)
    backbone = [p for p in twin.backbone.parameters() if p.requires_grad]
    task_gradients = torch.autograd.grad(task, backbone, retain_graph=True)
    bias_gradients = torch.autograd.grad(bias, backbone, retain_graph=True)
    plain.descend(task + bias, (twin.head, plain.LR), (twin.adversary, plain.LR))
    for parameter, of_task, of_bias in zip(backbone, task_gradients, bias_gradients, strict=True):
        parameter.data -= plain.LR * (of_task - factor * of_bias)
    plain.assert_same_state(module, twin)


def test_at_first_the_backbone_does_not_feel_the_sensitive_head(toy, batch, tmp_path):
    module = plain.no_task(plain.make(DANN, toy))
    assert plain.moved(module, batch, tmp_path) == plain.names(module, "statistics", "adversary")


def test_later_the_sensitive_loss_moves_backbone_and_its_head(toy, batch, tmp_path):
    module = plain.no_task(plain.make(DANN, toy))
    module.progress = lambda: 0.5
    expected = plain.names(module, "backbone", "statistics", "adversary")
    assert plain.moved(module, batch, tmp_path) == expected


def test_the_task_moves_backbone_and_its_head(toy, batch, tmp_path):
    module = plain.make(DANN, toy)
    module.progress = lambda: 0.5
    unknown = {**batch, "emotion": torch.full((12,), -1)}
    expected = plain.names(module, "backbone", "statistics", "head")
    assert plain.moved(module, unknown, tmp_path) == expected


def test_everything_is_optimised_once_and_a_batch_is_a_step(toy, batch, tmp_path):
    module = plain.make(DANN, toy)
    optimized = [id(p) for group in module.configure_optimizers().param_groups for p in group["params"]]
    assert sorted(optimized) == sorted(id(p) for p in module.trainable_parameters())
    assert len(set(optimized)) == len(optimized)
    assert plain.train(module, batch, tmp_path, steps=3).global_step == 3


@pytest.mark.filterwarnings("ignore:`max_epochs` was not set")
def test_a_training_without_end_is_refused(toy, batch, tmp_path):
    with pytest.raises(ValueError, match="set max_epochs or max_steps"):
        plain.train(plain.make(DANN, toy), batch, tmp_path, epochs=-1)


def test_a_negative_strength_is_refused(toy):
    with pytest.raises(ValueError, match="strength cannot be negative"):
        plain.make(DANN, toy, strength=-1.0)
