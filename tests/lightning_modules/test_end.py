"""EnD: both regularisers against loops over pairs, a step against plain torch, what each term moves."""

import copy

import pytest
import torch
from torch import Tensor

from lightning_modules.end import EnD, cosines, orthogonality, parallelism
from tests.support import sensitive_twin as plain


def looped(x: Tensor, task: Tensor, sensitive: Tensor) -> tuple[Tensor, Tensor]:
    """Both regularisers, pair by pair."""
    pairs = [(i, j) for i in range(len(x)) for j in range(i)]
    cosine = {(i, j): x[i] @ x[j] / (x[i].norm() * x[j].norm()) for i, j in pairs}
    sums: dict[int, list[Tensor]] = {}
    apart: list[Tensor] = []
    for i, j in pairs:
        a, b = sensitive[i].item(), sensitive[j].item()
        if a == b >= 0:
            sums.setdefault(a, []).append(cosine[i, j])
        if a != b and min(a, b) >= 0 and task[i] == task[j] >= 0:
            apart.append((1 + cosine[i, j]) / 2)
    count = sum(map(len, sums.values()))
    orthogonal = torch.stack([torch.stack(s).sum().abs() for s in sums.values()]).sum() / count
    return orthogonal, 1 - torch.stack(apart).mean()


def random_labels(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(15, 4, generator=generator, dtype=torch.float64)
    return (
        x,
        torch.randint(-1, 2, (15,), generator=generator),
        torch.randint(-1, 3, (15,), generator=generator),
    )


@pytest.mark.parametrize("seed", range(5))
def test_the_regularisers_are_those_of_a_loop_over_pairs(seed):
    x, task, sensitive = random_labels(seed)
    orthogonal, parallel = looped(x, task, sensitive)
    gram = cosines(x)
    torch.testing.assert_close(orthogonality(gram, sensitive, 3), orthogonal)
    torch.testing.assert_close(parallelism(gram, task, sensitive), parallel)


def test_neither_the_order_nor_the_length_of_embeddings_matters():
    x, task, sensitive = random_labels(7)
    order = torch.randperm(15, generator=torch.Generator().manual_seed(0))
    gram, other = cosines(x), cosines(x[order] * torch.linspace(0.1, 9, 15)[:, None])
    torch.testing.assert_close(orthogonality(other, sensitive[order], 3), orthogonality(gram, sensitive, 3))
    torch.testing.assert_close(
        parallelism(other, task[order], sensitive[order]), parallelism(gram, task, sensitive)
    )


@pytest.mark.parametrize(
    ("second", "orthogonal", "parallel"), [([2.0, 0.0], 1, 0), ([0.0, 5.0], 0, 0.5), ([-1.0, 0.0], 1, 1)]
)
def test_two_embeddings_in_closed_form(second, orthogonal, parallel):
    gram = cosines(torch.tensor([[1.0, 0.0], second]))
    same, different = torch.tensor([1, 1]), torch.tensor([0, 1])
    assert orthogonality(gram, same, 2) == orthogonal
    assert parallelism(gram, same, different) == parallel
    assert orthogonality(gram, different, 2) == parallelism(gram, different, different) == 0, "no such pair"


def test_an_embedding_of_zeros_has_finite_terms_and_gradients():
    x = torch.zeros(4, 3, requires_grad=True)
    label = torch.tensor([0, 1, 0, 1])
    gram = cosines(x)
    (orthogonality(gram, label, 2) + parallelism(gram, torch.zeros(4).long(), label)).backward()
    assert x.grad.isfinite().all()


def test_a_step_is_that_of_plain_torch(toy, batch, tmp_path):
    module = plain.make(EnD, toy, alpha=0.7, beta=0.4)
    twin = copy.deepcopy(module)
    plain.train(module, batch, tmp_path)

    x = plain.embedding(twin, batch)
    orthogonal, parallel = looped(x, batch["smiling"], batch["emotion"])
    loss = plain.cross_entropy(plain.head(twin, x), batch["smiling"]) + 0.7 * orthogonal + 0.4 * parallel
    plain.descend(loss, (twin.backbone, plain.LR), (twin.head, plain.LR))
    plain.assert_same_state(module, twin)


@pytest.mark.parametrize("weights", [{"alpha": 1.0, "beta": 0.0}, {"alpha": 0.0, "beta": 1.0}])
def test_each_regulariser_moves_the_backbone_alone(weights, toy, batch, tmp_path):
    module = plain.no_task(plain.make(EnD, toy, **weights))
    assert plain.moved(module, batch, tmp_path) == plain.names(module, "backbone", "statistics")


def test_the_task_moves_backbone_and_head(toy, batch, tmp_path):
    module = plain.make(EnD, toy, alpha=0.0, beta=0.0)
    assert plain.moved(module, batch, tmp_path) == plain.names(module, "backbone", "statistics", "head")


def test_without_a_known_label_nothing_moves_but_statistics(toy, batch, tmp_path):
    module = plain.make(EnD, toy)
    unknown = torch.full((12,), -1)
    batch = {**batch, "smiling": unknown, "emotion": unknown}
    assert plain.moved(module, batch, tmp_path) == plain.names(module, "statistics")


def test_everything_is_optimised_once_and_a_batch_is_a_step(toy, batch, tmp_path):
    module = plain.make(EnD, toy)
    optimized = [id(p) for group in module.configure_optimizers().param_groups for p in group["params"]]
    assert sorted(optimized) == sorted(id(p) for p in module.trainable_parameters())
    assert plain.train(module, batch, tmp_path, steps=3).global_step == 3


@pytest.mark.parametrize("weights", [{"alpha": -1.0}, {"beta": -1.0}])
def test_negative_weights_are_refused(weights, toy):
    with pytest.raises(ValueError, match="cannot be negative"):
        plain.make(EnD, toy, **weights)
