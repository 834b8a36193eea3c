"""Class matching: a trained encoder of embeddings in which the classes of an attribute look alike."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from evaluation.erasers.transport import unit_rows
from evaluation.samples.arrays import Floats


@dataclass(frozen=True, eq=False)
class Matching:
    """Encode embeddings by a linear layer plus a network with one hidden layer, both of their components.

    u = x / |x|; v = scale axes' (u - mean); z = direct v + out gelu(hidden v + hidden_bias) + out_bias; the
    result is z / |z|. The same map serves all classes, so no class is predicted and there is no noise.

    Args:
        mean: (D,) mean of the training embeddings of length 1.
        axes: (D, k) their leading principal directions.
        scale: of the components, whose mean square is 1 then.
        direct: (m, k) float32.
        hidden: (h, k) float32.
        hidden_bias: (h,) float32.
        out: (m, h) float32.
        out_bias: (m,) float32.
    """

    mean: Floats
    axes: Floats
    scale: float
    direct: np.ndarray
    hidden: np.ndarray
    hidden_bias: np.ndarray
    out: np.ndarray
    out_bias: np.ndarray

    def __post_init__(self) -> None:
        (m, k), h = self.direct.shape, len(self.hidden_bias)
        shapes = {
            "axes": (len(self.mean), k),
            "hidden": (h, k),
            "out": (m, h),
            "out_bias": (m,),
        }
        if wrong := [name for name, shape in shapes.items() if getattr(self, name).shape != shape]:
            raise ValueError(f"the encoder's {', '.join(wrong)} do not fit its other arrays")
        if not 0 < self.scale < np.inf:
            raise ValueError(f"the scale of the components is {self.scale}")

    def __call__(self, x: Floats) -> Floats:
        """Encode embeddings (N, D); returns (N, m) float64 of length 1."""
        v = self.scale * (unit_rows(np.asarray(x, np.float64)) - self.mean) @ self.axes
        a = v @ self.hidden.T + self.hidden_bias
        return unit_rows(v @ self.direct.T + (a * ndtr(a)) @ self.out.T + self.out_bias)
