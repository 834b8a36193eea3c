"""Precomputed embeddings in place of a network."""

from typing import Any

from pytorch_lightning.utilities.exceptions import MisconfigurationException
from torch import Tensor, nn

from lightning_modules.backbones.backbone_base import Backbone
from lightning_modules.backbones.preprocessing import InputSpec

NAME = "precomputed"


class Precomputed(Backbone):
    """Return the embeddings of the batch; there is nothing to train.

    Args:
        num_features: D, the embeddings' length.
    """

    reads = "embedding"

    def __init__(self, num_features: int) -> None:
        super().__init__(
            nn.Identity(),
            num_features=num_features,
            input_spec=InputSpec(1),  # there is no image to prepare
            last_stage=[],
            recipe={"name": NAME, "weights": "checkpoint", "options": {"num_features": num_features}},
        )

    def forward(self, image: Tensor) -> Tensor:
        """Return the embeddings (N, D) unchanged.

        Raises:
            MisconfigurationException: they have another length.
        """
        if image.ndim != 2 or image.shape[1] != self.num_features:
            raise MisconfigurationException(
                f"the embeddings have {image.shape[-1]} features, not {self.num_features}; "
                f"set --model.init_args.backbone_options '{{num_features: {image.shape[-1]}}}'"
            )
        return image


def build_precomputed(weights: str | None, options: dict[str, Any]) -> Precomputed:
    """Build the backbone of embeddings with `options["num_features"]` values.

    Raises:
        ValueError: weights, another option, or no number of features.
    """
    if weights not in (None, "checkpoint"):
        raise ValueError(f"{NAME} has no weights: leave weights null, not {weights!r}")
    features = options.get("num_features")
    if list(options) != ["num_features"] or not isinstance(features, int) or features < 1:
        raise ValueError(
            f"{NAME} needs backbone_options '{{num_features: D}}', the embeddings' length; got {options}"
        )
    return Precomputed(features)
