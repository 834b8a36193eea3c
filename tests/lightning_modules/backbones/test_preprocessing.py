"""Normalisation by each image's own mean and standard deviation."""

import numpy as np
import pytest
import torch
from torch import Tensor

from lightning_modules.backbones.preprocessing import InputSpec, Preprocess, standardise_images

PER_IMAGE = InputSpec(8, normalisation="per_image")


def images(count: int = 3) -> Tensor:
    return torch.randint(256, (count, 3, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def by_formula(image: np.ndarray) -> np.ndarray:
    """TensorFlow's documented formula, for one image of 0 to 255."""
    x = image.astype(np.float64)
    return (x - x.mean()) / max(x.std(), 1 / np.sqrt(x.size))


def test_each_image_is_standardised_by_the_formula():
    batch = images()
    batch[1] = batch[1] // 64 + 100  # of little contrast
    expected = torch.from_numpy(np.stack([by_formula(x) for x in batch.numpy()])).float()
    found = Preprocess(PER_IMAGE)(batch)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(Preprocess(PER_IMAGE)(batch / 255), expected, rtol=1e-5, atol=1e-5)
    assert torch.equal(Preprocess(PER_IMAGE)(batch[:1]), found[:1]), "no image may depend on the others"
    fixed = Preprocess(InputSpec(8, scale=255.0, mean=(127.5,) * 3, std=(128.0,) * 3))(batch)
    assert (fixed - expected).abs().max() > 0.1


def test_an_image_of_one_colour_becomes_zeros():
    assert torch.equal(
        Preprocess(PER_IMAGE)(torch.full((1, 3, 8, 8), 77, dtype=torch.uint8)), torch.zeros(1, 3, 8, 8)
    )
    nearly = torch.full((1, 3, 8, 8), 77, dtype=torch.uint8)
    nearly[0, 0, 0, 0] = 78  # a deviation of 0.072, where the least divisor is 0.0722
    torch.testing.assert_close(
        Preprocess(PER_IMAGE)(nearly)[0],
        torch.from_numpy(by_formula(nearly[0].numpy())).float(),
        rtol=1e-3,
        atol=1e-4,
    )


def test_one_colour_has_a_finite_gradient():
    image = torch.full((1, 3, 8, 8), 77.0, requires_grad=True)
    standardise_images(image).sum().backward()
    assert image.grad is not None
    assert torch.isfinite(image.grad).all()


def test_the_channel_order_and_the_type_are_the_networks():
    preprocess = Preprocess(InputSpec(8, channel_order="bgr", normalisation="per_image"))
    assert torch.equal(preprocess(images()), Preprocess(PER_IMAGE)(images().flip(1)))
    assert preprocess.to(torch.bfloat16)(images()).dtype == torch.bfloat16


def test_the_options_are_the_fields_in_use_and_go_back():
    fixed = InputSpec(8, scale=255.0, mean=(127.5,) * 3, std=(128.0,) * 3)
    assert "normalisation" not in fixed.as_options()  # recipes of earlier versions say nothing of it
    assert PER_IMAGE.as_options() == {"input_size": 8, "channel_order": "rgb", "normalisation": "per_image"}
    assert fixed.take(PER_IMAGE.as_options()) == PER_IMAGE
    assert InputSpec(1).take(fixed.as_options()) == fixed
    with pytest.raises(ValueError, match="per_image takes no scale, mean or std"):
        fixed.take({"normalisation": "per_image", "scale": 255.0})
