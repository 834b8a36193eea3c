import numpy as np
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from datamodules.cropping import area_crops
from datamodules.cropping.area_crops import AreaCrops, _cumulated


def _noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))


def _area(images: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """The oracle: torch's own averages over areas, of (n, h, w, 3) pixels."""
    return F.interpolate(images.permute(0, 3, 1, 2).float(), size=size, mode="area")


def _assert_crops(images: torch.Tensor, image: list[int], first: torch.Tensor, end: torch.Tensor, size: int):
    crops = torch.cat(list(AreaCrops(images).crop(torch.tensor(image), first, end, size)))
    assert crops.shape == (len(image), 3, size, size)
    assert crops.dtype == torch.float32
    for k, (left, top), (right, bottom), crop in zip(image, first, end, crops, strict=True):
        assert torch.equal(crop[None], _area(images[k : k + 1, top:bottom, left:right], (size, size)))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_crops_equal_area_interpolation_to_the_bit(data):
    height, width = data.draw(st.integers(1, 70)), data.draw(st.integers(1, 70))
    size, count = data.draw(st.sampled_from([5, 24, 48])), data.draw(st.integers(1, 5))

    def ends(length: int) -> st.SearchStrategy[tuple[int, ...]]:  # borders, and sides of one pixel, included
        pair = st.tuples(st.integers(0, length), st.integers(0, length)).filter(lambda p: p[0] != p[1])
        return pair.map(lambda p: tuple(sorted(p)))

    x = torch.tensor([data.draw(ends(width)) for _ in range(count)])
    y = torch.tensor([data.draw(ends(height)) for _ in range(count)])
    first, end = torch.stack((x, y), dim=2).unbind(dim=1)
    image = data.draw(st.lists(st.integers(0, 2), min_size=count, max_size=count))
    _assert_crops(_noise(3, height, width, 3), image, first, end, size)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(2, 120), st.integers(2, 120))
def test_resizing_equals_area_interpolation_to_the_bit(height, width, to_height, to_width):
    images = _noise(3, height, width, 3)
    resized = torch.cat(list(AreaCrops(images).resize(to_height, to_width)))
    assert torch.equal(resized, _area(images, (to_height, to_width)))


def test_no_crops_give_an_empty_tensor():
    none = torch.empty(0, 2, dtype=torch.int64)
    (crops,) = AreaCrops(_noise(1, 9, 9, 3)).crop(none[:, 0], none, none, 24)
    assert crops.shape == (0, 3, 24, 24)


def test_parts_are_small_and_come_in_order(monkeypatch):
    images, image = _noise(5, 60, 60, 3), torch.tensor([4, 0, 3, 2, 1])
    first, end = torch.arange(10).view(5, 2), torch.arange(30, 40).view(5, 2)
    whole = torch.cat(list(AreaCrops(images).crop(image, first, end, 24)))
    resized = torch.cat(list(AreaCrops(images).resize(24, 24)))
    monkeypatch.setattr(area_crops, "PART", 2 * 24 * 24)
    parts = list(AreaCrops(images).crop(image, first, end, 24))
    assert [len(part) for part in parts] == [2, 2, 1]
    assert torch.equal(torch.cat(parts), whole)
    parts = list(AreaCrops(images).resize(24, 24))
    assert [len(part) for part in parts] == [2, 2, 1]
    assert torch.equal(torch.cat(parts), resized)


def test_sums_that_overflow_still_give_the_means():
    images = torch.full((1, 2950, 2950, 3), 255, dtype=torch.uint8)  # 2.2e9 in the corner, above 2^31
    images[0, -200:, -300:] = _noise(200, 300, 3)
    crops = AreaCrops(images)
    assert crops.table[0, -1, -1, 0] < 0
    far = torch.tensor([[2600, 2700], [2650, 2750]])
    _assert_crops(images, [0, 0], far, torch.tensor([[2950, 2950], [2950, 2950]]), 24)


def test_the_table_of_a_gpu_is_the_table_of_a_processor():
    images = _noise(3, 31, 17, 3)
    assert torch.equal(_cumulated(images), AreaCrops(images).table)
