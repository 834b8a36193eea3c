"""The linear map that SensitiveNets learns on top of a frozen recogniser."""

from torch import nn


class Suppressor(nn.Sequential):
    """Linear layers without activations between them: (N, D) to (N, width).

    One layer in the thesis (section 3.2), three in its annex (section III-B1). Three express no more than
    one, but are trained differently; either removes information linearly at best.

    Args:
        num_features: D.
        width: units of each layer, 1024 in both texts.
        layers: number of layers.

    Raises:
        ValueError: no layer or no unit.
    """

    def __init__(self, num_features: int, *, width: int = 1024, layers: int = 1) -> None:
        if layers < 1 or width < 1:
            raise ValueError(f"layers and width of the suppressor are 1 or more, not {layers} and {width}")
        sizes = [num_features] + [width] * layers
        super().__init__(*(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:], strict=False)))
        self.num_features, self.width = num_features, width

    def set_to_identity(self) -> None:
        """Let the map change nothing (our variant), beyond adding zeros where width is above D.

        Raises:
            ValueError: width is below D.
        """
        if self.width < self.num_features:
            raise ValueError(
                f"width is {self.width}; for init: identity it must be {self.num_features} or more"
            )
        for layer in self:
            assert isinstance(layer, nn.Linear)
            nn.init.eye_(layer.weight)
            nn.init.zeros_(layer.bias)
