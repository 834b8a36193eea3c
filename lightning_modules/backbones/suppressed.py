"""Join a backbone and a suppressor into one network."""

from typing import Any

from torch import nn

from lightning_modules.backbones.backbone_base import Backbone
from lightning_modules.layers.suppressor import Suppressor


def suppressed(backbone: Backbone, suppressor: Suppressor) -> Backbone:
    """Join both into one network for inference; its recipe names both."""
    width = int(suppressor[-1].out_features)  # type: ignore[arg-type]  # its layers are linear
    own: dict[str, Any] = {"width": width, "layers": len(suppressor)}
    joined = Backbone(
        nn.Sequential(backbone.network, suppressor),
        num_features=width,
        input_spec=backbone.input_spec,
        last_stage=[],
        recipe=backbone.recipe | {"options": {**(backbone.recipe.get("options") or {}), "suppressor": own}},
    )
    joined.random = backbone.random
    return joined
