"""The head with a dense layer, and without."""

import pytest
import torch
from torch import nn

from lightning_modules.layers.heads import Head


@pytest.fixture
def representation() -> torch.Tensor:
    return torch.randn(6, 5, generator=torch.Generator().manual_seed(0))


def test_a_dense_layer_a_relu_and_a_linear_one(representation):
    torch.manual_seed(0)
    head = Head(5, 3, hidden=4)
    torch.manual_seed(0)
    oracle = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3))
    assert torch.equal(head(representation), oracle(representation))
    assert torch.equal(head.hidden(representation), oracle[:2](representation))
    assert {name: tuple(tensor.shape) for name, tensor in head.state_dict().items()} == {
        "dense.weight": (4, 5), "dense.bias": (4,), "output.weight": (3, 4), "output.bias": (3,)
    }  # fmt: skip


def test_without_hidden_units_it_is_linear(representation):
    torch.manual_seed(0)
    head = Head(5, 3, hidden=0)
    torch.manual_seed(0)
    oracle = nn.Linear(5, 3)
    assert torch.equal(head(representation), oracle(representation))
    assert torch.equal(head.hidden(representation), representation)
    shapes = {name: tuple(tensor.shape) for name, tensor in head.state_dict().items()}
    assert shapes == {"output.weight": (3, 5), "output.bias": (3,)}
    assert sum(p.numel() for p in head.parameters()) == 18
