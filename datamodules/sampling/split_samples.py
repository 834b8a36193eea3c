"""Samples of a split, such as a biased one, instead of the whole."""

from collections.abc import Mapping

import numpy as np

from datamodules.contract import Attributes, Split
from datamodules.errors import DatasetError
from datamodules.sampling.biased_sample import BiasedSample
from datamodules.sampling.mixed_sample import MixedSample

Sample = BiasedSample | MixedSample


def apply_sample(
    sample: Sample | None,
    split: Split,
    rows: np.ndarray,
    labels: Mapping[str, np.ndarray],
    attributes: Attributes,
    seed: int,
) -> np.ndarray:
    """Draw a sample from the rows of a split.

    Args:
        sample: what is drawn; None takes all.
        split: of the rows.
        rows: (n,) int64, of the whole dataset.
        labels: (N,) integers for each attribute, of the whole dataset.
        attributes: class names.
        seed: of the draw.

    Returns:
        (m,) int64, a part of `rows` in their order.

    Raises:
        DatasetError: the sample needs attributes or classes that do not exist, or more images than there are.
    """
    if sample is None:
        return rows
    try:
        part = {name: labels[name][rows] for name in sample.names if name in labels}
        return rows[sample.draw(part, attributes, seed)]
    except (DatasetError, ValueError) as error:
        raise DatasetError(f"{split}_sample: {error}") from None
