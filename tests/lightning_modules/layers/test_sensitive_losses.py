"""Delta in closed form, the triplet loss against its formula, and which triplets are mined."""

import itertools
import math

import pytest
import torch
from torch.nn.functional import kl_div, normalize

from lightning_modules.layers.sensitive_losses import (
    delta,
    mean_over_triplets,
    mine_triplets,
    similarity_loss,
    triplet_loss,
    uniform_delta,
)


def logits_of(p: float) -> torch.Tensor:
    """Six classes, of which the third has probability p and the others share the rest."""
    rest = (1 - p) / 5
    return torch.tensor([[rest, rest, p, rest, rest, rest]], dtype=torch.float64).log() + 7


@pytest.mark.parametrize(("p", "value"), [(0.0, 0.642), (1 / 6, 0.550), (0.9, 0.0), (1.0, 0.0953)])
def test_delta_in_closed_form(p, value):
    assert delta(logits_of(p), 2).item() == pytest.approx(value, abs=6e-4)
    assert delta(logits_of(p), 2).item() == pytest.approx(math.log(1 + abs(0.9 - p)), abs=1e-12)


@pytest.mark.parametrize("p", [0.001, 0.2, 0.5, 0.89, 0.91, 0.999])
def test_the_slope_of_delta_is_bounded_in_p_but_not_in_logits(p):
    logits = logits_of(p).requires_grad_()
    (slope,) = torch.autograd.grad(delta(logits, 2).sum(), logits)
    in_p = slope[0, 2].item() / (p * (1 - p))
    assert in_p == pytest.approx(math.copysign(1 / (1 + abs(0.9 - p)), p - 0.9))
    assert 0.526 < abs(in_p) <= 1


def test_delta_is_finite_where_the_classifier_is_certain():
    logits = torch.tensor([[2000.0, 0.0], [-2000.0, 0.0]], requires_grad=True)
    for loss in (delta(logits, 0), uniform_delta(logits)):
        (slope,) = torch.autograd.grad(loss.sum(), logits)
        assert loss.isfinite().all()
        assert slope.isfinite().all()


def test_uniform_delta_is_a_divergence():
    logits = torch.randn(5, 6, dtype=torch.float64).requires_grad_()
    expected = kl_div(logits.log_softmax(1), torch.full((5, 6), 1 / 6).double(), reduction="none").sum(1)
    torch.testing.assert_close(uniform_delta(logits), expected)
    (slope,) = torch.autograd.grad(uniform_delta(logits).sum(), logits)
    torch.testing.assert_close(slope, logits.softmax(1) - 1 / 6)
    assert uniform_delta(logits_of(1 / 6)).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("unit", [False, True])
def test_triplet_loss_is_the_mean_of_hinged_formulas(unit):
    x = torch.tensor([[0.0, 1.0], [0.5, 1.0], [3.0, 0.0], [0.0, 1.2]], dtype=torch.float64)
    triplets = [(0, 1, 2), (0, 1, 3), (1, 0, 3)]
    y = [(normalize(v, dim=0) if unit else v) for v in x]
    hinges = [
        max(0.0, ((y[a] - y[p]) ** 2).sum().item() - ((y[a] - y[n]) ** 2).sum().item() + 0.2)
        for a, p, n in triplets
    ]
    assert min(hinges) == 0 < max(hinges)
    loss = triplet_loss(x, tuple(torch.tensor(triplets).T), margin=0.2, normalize=unit)
    assert loss.item() == pytest.approx(sum(hinges) / 3)


def everything(identity: torch.Tensor) -> list[tuple[int, int, int]]:
    places = itertools.product(range(len(identity)), repeat=3)
    same = [(a, p, n) for a, p, n in places if a != p and identity[a] == identity[p] != identity[n]]
    return [t for t in same if min(identity[i] for i in t) >= 0]


def mined(mining: str, x: torch.Tensor, identity: torch.Tensor, **options) -> list[tuple[int, ...]]:
    options = {"margin": 0.5, "normalize": False, "seed": 3, **options}
    return sorted(zip(*(t.tolist() for t in mine_triplets(x, identity, mining, **options)), strict=True))


@pytest.fixture
def people() -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.randn(14, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    identity = torch.arange(14) % 4
    identity[[2, 9]] = -1
    return x, identity


def test_semihard_triplets_are_those_within_the_margin(people):
    x, identity = people
    d = torch.cdist(x, x) ** 2
    expected = [t for t in everything(identity) if 0 < d[t[0], t[2]] - d[t[0], t[1]] <= 0.5]
    assert expected
    assert mined("semihard", x, identity) == expected


def test_hard_triplets_are_farthest_positive_nearest_negative(people):
    x, identity = people
    d, all_triplets, expected = torch.cdist(x, x), everything(identity), []
    for anchor in sorted({t[0] for t in all_triplets}):
        own = [t for t in all_triplets if t[0] == anchor]
        far = max(own, key=lambda t: d[t[0], t[1]])[1]
        expected.append((anchor, far, min(own, key=lambda t: d[t[0], t[2]])[2]))
    assert mined("hard", x, identity) == expected


def test_random_triplets_are_valid_and_have_their_own_generator(people):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = mined("random", *people)
    assert torch.equal(torch.rand(3), expected)
    assert first == mined("random", *people) != mined("random", *people, seed=4)
    assert set(first) <= set(everything(people[1]))
    assert {t[0] for t in first} == {t[0] for t in everything(people[1])}, "every anchor"


def test_semihard_falls_back_on_random_triplets():
    x, identity = torch.tensor([[0.0], [0.0], [9.0], [9.0]]), torch.tensor([0, 0, 1, 1])
    assert mined("semihard", x, identity) == mined("random", x, identity) != []


@pytest.mark.parametrize("mining", ["semihard", "hard", "random"])
@pytest.mark.parametrize("identity", [[-1] * 4, [1, 1, 1, -1], [0, 1, 2, 3]])
def test_without_a_triplet_the_losses_are_zero_with_a_gradient(mining, identity):
    x = torch.randn(4, 3, requires_grad=True)
    options = {"margin": 0.2, "normalize": True}
    triplets = mine_triplets(x, torch.tensor(identity), mining, seed=0, **options)
    assert len(triplets[0]) == 0
    loss = triplet_loss(x, triplets, **options) + mean_over_triplets(x.sum(1), triplets)
    loss.backward()
    assert loss == 0
    assert (x.grad == 0).all()


def test_the_mean_over_triplets_sums_all_three_roles():
    values = torch.tensor([1.0, 10.0, 100.0])
    triplets = (torch.tensor([0, 1]), torch.tensor([1, 0]), torch.tensor([2, 2]))
    assert mean_over_triplets(values, triplets) == 111


def test_the_similarity_loss_is_the_mean_squared_cosine_change():
    generator = torch.Generator().manual_seed(0)
    now, before = (torch.randn(5, d, generator=generator, dtype=torch.float64) for d in (3, 7))
    changes = [
        torch.cosine_similarity(now[i], now[j], 0) - torch.cosine_similarity(before[i], before[j], 0)
        for i, j in itertools.permutations(range(5), 2)
    ]
    assert similarity_loss(now, before).item() == pytest.approx(torch.stack(changes).square().mean().item())
    turn = torch.linalg.qr(torch.randn(7, 7, generator=generator, dtype=torch.float64)).Q
    assert similarity_loss(3 * before @ turn, before).item() == pytest.approx(0, abs=1e-24)
    assert similarity_loss(now[:1], before[:1]).item() == pytest.approx(0, abs=1e-24)


def test_the_similarity_loss_moves_the_embedding_alone():
    now, before = torch.randn(4, 3, requires_grad=True), torch.randn(4, 3, requires_grad=True)
    similarity_loss(now, before).backward()
    assert now.grad.abs().sum() > 0
    assert before.grad is None
