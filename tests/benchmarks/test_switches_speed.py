import pytest
import torch

from benchmarks import switches_speed

pytestmark = pytest.mark.slow

TINY = {"channels": [8, 8, 16, 16], "stem_width": 8, "input_size": 32, "zero_init_last": False}


def test_every_side_takes_the_same_step():
    found = switches_speed.compare(4, 1, "resnet10t", [], **TINY)
    assert found["time"].keys() == {"default layout", "checkpointed"}
    assert found["memory_mib"].keys() == {"as it is", "default layout", "checkpointed"}
    assert all(rise >= 0 for rise in found["memory_mib"].values())


def test_the_layouts_are_what_their_names_say():
    sides = switches_speed.make_sides("resnet10t", [], **TINY)
    seen = {}
    for way, side in sides.items():
        layer = side.backbone.network.layer1[0].conv1
        layer.register_forward_pre_hook(lambda module, given, way=way: seen.update({way: given[0]}))
        side(torch.zeros(2, 3, 32, 32, dtype=torch.uint8))
    layouts = {way: x.is_contiguous(memory_format=torch.channels_last) for way, x in seen.items()}
    assert layouts == {"as it is": True, "default layout": False, "checkpointed": True}


def test_a_side_that_computes_something_else_is_noticed(monkeypatch):
    monkeypatch.setattr(
        switches_speed,
        "default_layout",
        lambda backbone: torch.nn.init.zeros_(backbone.network.conv1[0].weight),
    )
    with pytest.raises(AssertionError, match="the losses differ"):
        switches_speed.compare(4, 1, "resnet10t", [], **TINY)
