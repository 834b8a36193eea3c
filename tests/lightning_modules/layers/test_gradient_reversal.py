import math

import pytest
import torch

from lightning_modules.layers.gradient_reversal import dann_ramp, reverse_gradient


@pytest.mark.parametrize("factor", [0.0, 0.1, 1.0, 3.0])
def test_values_pass_and_gradients_come_back_reversed_and_scaled(factor):
    x = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    plain, reversed_ = x.clone().requires_grad_(), x.clone().requires_grad_()
    (plain.sin() * plain).sum().backward()
    y = reverse_gradient(reversed_, factor)
    assert torch.equal(y, x)
    (y.sin() * y).sum().backward()
    torch.testing.assert_close(reversed_.grad, -factor * plain.grad, rtol=1e-15, atol=0)


def test_the_gradient_is_reversed_only_before_the_layer():
    before, after = (torch.tensor(0.5, requires_grad=True) for _ in range(2))
    (reverse_gradient(2 * before, 0.1) * after).backward()
    assert after.grad == 1.0  # 2 * before
    assert before.grad == pytest.approx(-0.1)  # -factor * 2 * after


def test_the_ramp_goes_from_nothing_to_almost_one():
    for progress in (0.0, 0.1, 0.25, 0.5, 1.0):
        assert dann_ramp(progress) == pytest.approx(math.tanh(5 * progress), abs=1e-15)
    assert dann_ramp(0) == 0
    assert dann_ramp(1) == pytest.approx(0.9999092)
