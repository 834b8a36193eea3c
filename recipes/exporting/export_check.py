"""Check that an exported file embeds as the original does."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from datamodules.synthetic_faces import MIN_IDENTITIES, SyntheticFaces
from lightning_modules.training.base import FaceModule
from recipes.command_line.usage_error import UsageError
from recipes.exporting.export_files import Embed

TOLERANCE = 1e-4
"""Largest allowed difference relative to the embeddings' root mean square; rounding makes 1e-5."""

_BATCHES = (1, 4, 3)  # no file was traced with any of these sizes


class Difference(NamedTuple):
    """Difference of an exported embedding from the original."""

    largest: float
    """Largest absolute difference of any value."""
    relative: float
    """The same, relative to the root mean square of the original's values."""


def probe_images(size: int) -> Tensor:
    """Make four images of noise and four synthetic faces: (8, 3, size, size) uint8."""
    few = MIN_IDENTITIES
    data = SyntheticFaces(
        train_identities=few, val_identities=few, test_identities=few, images_per_identity=6, seed=0
    )
    faces = data.make_dataset("test").__getitems__([0, 7, 14, 21])["image"]
    faces = functional.interpolate(faces.float(), (size, size), mode="bilinear").round().byte()
    noise = torch.randint(256, faces.shape, generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    return torch.cat([noise, faces])


@torch.no_grad()
def measure_difference(original: FaceModule, exported: Embed, images: Tensor) -> Difference:
    """Compare both embeddings: the original on bytes, the file on the same values as floats.

    Args:
        original: in eval mode.
        exported: the embedding function of the file.
        images: (8, 3, S, S) uint8.

    Raises:
        UsageError: the file returns another shape.
    """
    found, expected = [], []
    for batch in images.split(_BATCHES):
        found.append(exported(batch.float() / 255))
        expected.append(original.embed(batch))
        if found[-1].shape != expected[-1].shape:
            raise UsageError(
                f"the exported file gives {tuple(found[-1].shape)} for {len(batch)} images, "
                f"the original {tuple(expected[-1].shape)}"
            )
    one, other = torch.cat(found).double(), torch.cat(expected).double()
    largest = float((one - other).abs().max())
    return Difference(largest, largest / float(other.square().mean().sqrt()))


def check_export(name: str, original: FaceModule, exported: Embed, images: Tensor) -> Difference:
    """Return the difference if it is no more than rounding.

    Raises:
        UsageError: it is more.
    """
    difference = measure_difference(original, exported, images)
    if not difference.relative <= TOLERANCE:  # also refuses nan
        raise UsageError(
            f"{name} does not embed as the original: the largest difference is {difference.largest:.3g}, "
            f"{difference.relative:.3g} of the embeddings' root mean square, and {TOLERANCE:g} is allowed; "
            "nothing was kept"
        )
    return difference
