"""LAFTR: the adversary's loss in closed form, a batch against plain torch, what each loss moves."""

import copy

import pytest
import torch
from torch import Tensor

from lightning_modules.laftr import LAFTR, l1_losses, sum_of_group_means
from tests.support import sensitive_twin as plain

FAIRNESS = pytest.mark.parametrize("fairness", ["demographic_parity", "equalised_odds"])


def test_with_two_classes_the_loss_is_the_papers_l1():
    logits = torch.randn(20, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    a = torch.arange(20) % 2
    predicted = (logits[:, 1] - logits[:, 0]).sigmoid()
    torch.testing.assert_close(l1_losses(logits, a), (a - predicted).abs())


def test_with_more_classes_it_is_half_the_distance_to_one_hot():
    logits = torch.randn(20, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    a = torch.arange(20) % 4
    distance = (torch.eye(4)[a] - logits.softmax(1)).abs().sum(1)
    torch.testing.assert_close(l1_losses(logits, a), distance / 2)


def test_extreme_logits_have_finite_losses_and_gradients():
    logits = torch.tensor([[1e4, 0.0], [0.0, 1e4], [0.0, 1e4]], requires_grad=True)
    losses = l1_losses(logits, torch.tensor([0, 0, -1]))
    losses.sum().backward()
    assert losses.tolist() == [0, 1, 1]
    assert logits.grad.isfinite().all()


def test_every_group_counts_alike_however_small():
    losses = torch.tensor([1.0, 3.0, 10.0, 99.0])
    group = torch.tensor([0, 0, 2, -1])
    assert sum_of_group_means(losses, group, 3) == 12
    again = torch.cat([losses, losses[2:3].expand(5)]), torch.cat([group, group[2:3].expand(5)])
    assert sum_of_group_means(*again, 3) == 12
    assert sum_of_group_means(losses, torch.full((4,), -1), 3) == 0


def adversary_loss(module: LAFTR, x: Tensor, batch: dict[str, Tensor], odds: bool) -> Tensor:
    """Group by group, in plain torch."""
    first, _, second = module.adversary
    total = torch.zeros((), dtype=x.dtype)
    for a in range(3):
        for y in range(2) if odds else [None]:
            chosen = batch["emotion"] == a
            if y is not None:
                chosen &= batch["smiling"] == y
            z = x[chosen]
            if y is not None:
                z = torch.cat([z, torch.eye(2, dtype=x.dtype)[y].expand(len(z), 2)], 1)
            hidden = z @ first.weight.T + first.bias
            logits = torch.where(hidden > 0, hidden, 0.2 * hidden) @ second.weight.T + second.bias
            total = total + (1 - logits.softmax(1)[:, a]).mean()
    return total


@FAIRNESS
def test_a_batch_is_that_of_plain_torch(fairness, toy, batch, tmp_path):
    module = plain.make(LAFTR, toy, fairness=fairness, gamma=0.7)
    twin = copy.deepcopy(module)
    trainer = plain.train(module, batch, tmp_path, steps=2)

    odds = fairness == "equalised_odds"
    for _ in range(2):
        x = plain.embedding(twin, batch)
        loss = plain.cross_entropy(plain.head(twin, x), batch["smiling"])
        loss = loss - 0.7 * adversary_loss(twin, x, batch, odds)
        plain.descend(loss, (twin.backbone, plain.LR), (twin.head, plain.LR))
        x = plain.embedding(twin, batch, keep_statistics=True).detach()
        plain.descend(adversary_loss(twin, x, batch, odds), (twin.adversary, plain.ADVERSARY_LR))
    plain.assert_same_state(module, twin)
    assert trainer.global_step == 2, "two steps a batch are counted once"


def frozen_adversary() -> dict:
    return {"adversary_optimizer": lambda p: torch.optim.SGD(p, lr=0.0)}


@FAIRNESS
def test_the_task_moves_backbone_and_head(fairness, toy, batch, tmp_path):
    module = plain.make(LAFTR, toy, fairness=fairness, gamma=0.0, **frozen_adversary())
    assert plain.moved(module, batch, tmp_path) == plain.names(module, "backbone", "statistics", "head")


@FAIRNESS
def test_the_adversarys_loss_moves_the_backbone_alone(fairness, toy, batch, tmp_path):
    module = plain.no_task(plain.make(LAFTR, toy, fairness=fairness, **frozen_adversary()))
    assert plain.moved(module, batch, tmp_path) == plain.names(module, "backbone", "statistics")


@FAIRNESS
def test_the_adversarys_own_step_moves_the_adversary_alone(fairness, toy, batch, tmp_path):
    module = plain.no_task(plain.make(LAFTR, toy, fairness=fairness, gamma=0.0))
    assert plain.moved(module, batch, tmp_path) == plain.names(module, "adversary", "statistics")


def test_statistics_move_once_a_batch(toy, batch, tmp_path):
    module = plain.make(LAFTR, toy)
    plain.train(module, batch, tmp_path, steps=3)
    counts = [t for n, t in module.state_dict().items() if "layer4" in n and n.endswith("batches_tracked")]
    assert counts
    assert all(count == 3 for count in counts)


@FAIRNESS
def test_unknown_labels_are_left_out(fairness, toy, batch):
    module = plain.make(LAFTR, toy, fairness=fairness)
    x = torch.randn(12, 16, dtype=torch.float64)
    labels = {**batch, "emotion": batch["emotion"].clone(), "smiling": batch["smiling"].clone()}
    labels["emotion"][:2] = labels["smiling"][2:4] = -1
    # without a task's class a face has no group under equalised odds, and one under demographic parity
    known = labels["emotion"] >= 0
    if fairness == "equalised_odds":
        known &= labels["smiling"] >= 0
    subset = {name: tensor[known] for name, tensor in labels.items()}
    loss = module.adversary_loss(x, labels)
    torch.testing.assert_close(loss, module.adversary_loss(x[known], subset))
    assert loss > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [({"gamma": -1.0}, "gamma cannot be negative"), ({"fairness": "parity"}, "demographic_parity or equal")],
)
def test_options_out_of_range_are_refused(options, message, toy):
    with pytest.raises(ValueError, match=message):
        plain.make(LAFTR, toy, **options)
