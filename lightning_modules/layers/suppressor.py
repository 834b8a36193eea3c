"""The map that SensitiveNets learns on top of a frozen recogniser."""

from torch import nn


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
