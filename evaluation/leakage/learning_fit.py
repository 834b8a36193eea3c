"""Extrapolate learning curves: the leakage that an attacker with more data would read."""

from typing import Literal, NamedTuple, get_args

import numpy as np
from scipy.stats import norm

from evaluation.samples.arrays import Floats

Form = Literal["power law", "probit"]
FORMS: tuple[Form, ...] = get_args(Form)

_POWERS = np.geomspace(0.05, 2, 25)
_SCALES = np.concatenate([[0.0], np.geomspace(1e-2, 1e3, 50)])  # of the largest number of samples


class Fit(NamedTuple):
    """Fits of one form to R curves."""

    form: Form
    shape: Floats
    """(R,) power c, or scale B."""
    coefficients: Floats
    """(R, 2) limit a and b; or slope A and 0."""

    def predict(self, n: Floats) -> Floats:
        """Compute the readings (R, S), in [0, 1] above chance, at S numbers of training samples."""
        a, b = self.coefficients.T[..., None]
        if self.form == "power law":
            return np.clip(a - b * n ** -self.shape[:, None], 0, 1)
        return 2 * norm.cdf(a / np.sqrt(1 + self.shape[:, None] / n)) - 1


def fit_curves(form: Form, n: Floats, readings: Floats) -> Fit:
    """Fit a growing curve to each of R learning curves by least squares.

    - `power law`: a - b n^-c with b >= 0, a <= 1 and c in [.05, 2].
    - `probit`: a reading r, of which 0 is chance and 1 is perfect, is that of two classes with
      z = Phi^-1((1 + r) / 2), and z = A / sqrt(1 + B / n). This is the expected accuracy of Fisher's
      discriminant of two Gaussian classes whose direction is estimated from n samples (Raudys and Jain, 1991,
      to the first order): z grows with the square root of n at first, then levels off at A.

    Args:
        form: one of `FORMS`.
        n: (S,) ascending numbers of training samples.
        readings: (R, S) readings; 0 is chance, 1 is perfect.
    """
    every = []
    if form == "power law":
        for power in _POWERS:
            every.append(_power_law(n**-power, readings))
        shapes = _POWERS
    else:
        shapes = _SCALES * n.max()
        z = norm.ppf((1 + np.clip(readings, -0.998, 0.998)) / 2)
        weight = np.square(norm.pdf(z))  # a reading is as certain everywhere, its z is not
        for scale in shapes:
            every.append(_probit(1 / np.sqrt(1 + scale / n), z, weight))
    error = np.stack([e for e, _ in every])
    best = error.argmin(0)
    coefficients = np.stack([c for _, c in every])[best, np.arange(len(readings))]
    return Fit(form, shapes[best], coefficients)


def _power_law(x: Floats, readings: Floats) -> tuple[Floats, Floats]:
    """Fit a - b x with b >= 0 and a <= 1 to each row; return errors (R,) and coefficients (R, 2)."""
    centred = x - x.mean()
    b = np.maximum(-(readings @ centred) / (centred @ centred), 0)
    a = readings.mean(1) + b * x.mean()
    over = a > 1
    b = np.where(over, ((1 - readings) @ x) / (x @ x), b)
    a = np.minimum(a, 1)
    error = np.square(readings - a[:, None] + b[:, None] * x).sum(1)
    return error, np.stack([a, np.maximum(b, 0)], 1)


def _probit(x: Floats, z: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Fit A x with A >= 0 to each row of z by weighted least squares."""
    a = np.maximum((weight * z) @ x / (weight @ (x * x)), 0)
    error = (weight * np.square(z - a[:, None] * x)).sum(1)
    return error, np.stack([a, np.zeros_like(a)], 1)
