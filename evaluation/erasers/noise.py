"""Baseline eraser: add Gaussian noise to every feature."""

from dataclasses import dataclass

import numpy as np

from evaluation.samples.arrays import Floats


@dataclass(frozen=True)
class Noise:
    """Add Gaussian noise, the same on every call with arrays of one shape.

    Args:
        deviation: (D,) standard deviation of the noise in each feature.
        seed: seed of the noise.
    """

    deviation: Floats
    seed: int

    def __call__(self, x: Floats) -> Floats:
        """Add the noise to embeddings (M, D); returns (M, D) float64."""
        x = np.asarray(x, np.float64)
        return x + np.random.default_rng(self.seed).standard_normal(x.shape) * self.deviation


def fit_noise(x: Floats, strength: float, *, seed: int = 0) -> Noise:
    """Fit the baseline that adds Gaussian noise to every feature.

    Args:
        x: (N, D) training embeddings.
        strength: deviation of the noise, in deviations of the feature over `x`.
        seed: seed of the noise.

    Raises:
        ValueError: a negative strength.
    """
    if strength < 0:
        raise ValueError(f"strength is a number of deviations, 0 or more, not {strength}")
    return Noise(strength * np.asarray(x, np.float64).std(0), seed)
