"""The map that SensitiveNets learns on top of a frozen recogniser."""

from typing import Any

from torch import nn

from lightning_modules.backbones.backbone_base import Backbone


class Suppressor(nn.Sequential):
    """Linear layers without activations between them: (N, D) to (N, width).

    One layer in the thesis (section 3.2), three in its annex (section III-B1). Three express no more than
    one, but are trained differently; either removes information linearly at best.

    Args:
        num_features: D.
        width: units of each layer, 1024 in both texts.
        layers: how many.
        identity: at first it changes nothing (our variant), beyond adding zeros where width is above D.

    Raises:
        ValueError: no layer or no unit, or too few for the identity.
    """

    def __init__(
        self, num_features: int, *, width: int = 1024, layers: int = 1, identity: bool = False
    ) -> None:
        if layers < 1 or width < 1:
            raise ValueError(f"layers and width of the suppressor are 1 or more, not {layers} and {width}")
        sizes = [num_features] + [width] * layers
        linear = [nn.Linear(a, b) for a, b in zip(sizes, sizes[1:], strict=False)]
        super().__init__(*linear)
        if identity and width < num_features:
            raise ValueError(f"width is {width}; for init: identity it must be {num_features} or more")
        for layer in linear if identity else ():
            nn.init.eye_(layer.weight)
            nn.init.zeros_(layer.bias)


def suppressed(backbone: Backbone, suppressor: Suppressor) -> Backbone:
    """The backbone and the suppressor as one network, for use without training; its recipe names both."""
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
