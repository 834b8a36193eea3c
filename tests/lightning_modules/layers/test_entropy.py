import math

import pytest
import torch
from scipy.stats import entropy

from lightning_modules.layers.entropy import negative_entropy


@pytest.mark.parametrize("classes", [2, 6, 8])
def test_uniform_is_minus_log_of_the_classes(classes):
    assert negative_entropy(torch.full((5, classes), 3.0)) == pytest.approx(-math.log(classes))


def test_entropy_of_certainty_is_zero_with_a_finite_gradient():
    logits = torch.tensor([[1e4, 0.0, -1e4]], requires_grad=True)
    value = negative_entropy(logits)
    value.backward()
    assert value == 0
    assert torch.equal(logits.grad, torch.zeros(1, 3))
    p = logits.detach().softmax(1)
    assert (p * p.log()).sum().isnan()


@pytest.mark.parametrize("shape", [(7, 4), (3, 4, 2, 5, 5)])
def test_it_is_the_mean_over_samples_and_positions(shape):
    logits = 3 * torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = -entropy(logits.softmax(1).numpy(), axis=1).mean()
    assert negative_entropy(logits).item() == pytest.approx(expected, rel=1e-12)


def test_the_gradient_is_that_of_finite_differences():
    logits = torch.randn(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    assert torch.autograd.gradcheck(negative_entropy, logits.requires_grad_())


def test_going_down_makes_a_classifier_unsure():
    logits = torch.tensor([[2.0, 0.0, -1.0]], requires_grad=True)
    negative_entropy(logits).backward()
    assert negative_entropy(logits.detach() - 0.1 * logits.grad) < negative_entropy(logits.detach())
    assert logits.grad[0, 0] > 0, "the largest logit falls"
