"""Scale and effective rank in closed form; what counts as a collapse."""

import math

import pytest
import torch

from evaluation.leakage.embedding_health import collapsed, effective_rank, scale


def noise(n: int = 200, d: int = 8) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(0))


def test_scale_is_the_root_mean_square_of_the_deviations():
    x = noise() * torch.tensor([1.0, 2, 3, 4, 5, 6, 7, 0])
    assert scale(x) == pytest.approx(math.sqrt((x.numpy().std(0) ** 2).mean()))
    assert scale(x + 100) == pytest.approx(scale(x), rel=1e-4)
    assert scale(-3 * x) == pytest.approx(3 * scale(x))


@pytest.mark.parametrize("k", [1, 2, 5])
def test_k_equal_directions_have_effective_rank_k(k):
    basis = torch.linalg.qr(noise(8, 8)).Q[:k]
    x = torch.cat([basis, -basis]) + 3.0
    assert effective_rank(x) == pytest.approx(k, rel=1e-5)
    assert effective_rank(1e-4 * (x - 3)) == pytest.approx(k, rel=1e-5)


def test_effective_rank_is_the_entropy_of_the_singular_values():
    x = torch.diag(torch.tensor([3.0, 1.0]))
    x = torch.cat([x, -x])
    p = torch.tensor([0.75, 0.25])
    assert effective_rank(x) == pytest.approx(torch.exp(-(p * p.log()).sum()).item(), rel=1e-6)


def test_a_constant_has_no_scale_and_no_direction():
    assert scale(torch.full((5, 3), 0.1)) == pytest.approx(0, abs=1e-8)
    assert effective_rank(torch.ones(5, 3)) == 0


@pytest.mark.parametrize(
    ("change", "bad"),
    [
        (lambda x: x, False),
        (lambda x: 0.01 * x + 5, False),
        (lambda x: 1e-5 * x + 5, True),  # constant but for a trace
        (lambda x: 0 * x, True),
        (lambda x: x[:, :1].expand(-1, 8), True),  # one direction
        (lambda x: x * float("nan"), True),
    ],
)
def test_what_has_collapsed(change, bad):
    assert collapsed(change(noise()), scale(noise())) is bad
