"""The suppressor: its shape, and that it is linear."""

import pytest
import torch

from lightning_modules.layers.suppressor import Suppressor


@pytest.mark.parametrize("layers", [1, 3])
def test_it_is_an_affine_map_of_the_published_size(layers):
    suppressor = Suppressor(6, layers=layers).double()
    x = torch.randn(3, 6, dtype=torch.float64)
    matrix, offset = torch.eye(6).double(), torch.zeros(6).double()
    for layer in suppressor:
        matrix, offset = matrix @ layer.weight.T, offset @ layer.weight.T + layer.bias
    torch.testing.assert_close(suppressor(x), x @ matrix + offset)
    shapes = [tuple(layer.weight.shape) for layer in suppressor]
    assert shapes == [(1024, 6), (1024, 1024), (1024, 1024)][:layers]


@pytest.mark.parametrize("options", [{"layers": 0}, {"width": 0}])
def test_sizes_below_one_are_refused(options):
    with pytest.raises(ValueError, match="1 or more"):
        Suppressor(6, **options)


@pytest.mark.parametrize("layers", [1, 3])
def test_from_the_identity_on_it_changes_nothing_but_the_length(layers):
    x = torch.randn(4, 6)
    same, wider = Suppressor(6, width=6, layers=layers), Suppressor(6, width=9, layers=layers)
    same.set_to_identity()
    wider.set_to_identity()
    assert torch.equal(same(x), x)
    assert torch.equal(wider(x), torch.cat([x, torch.zeros(4, 3)], 1))
    with pytest.raises(ValueError, match="must be 6 or more"):
        Suppressor(6, width=5).set_to_identity()
